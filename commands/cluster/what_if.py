"""gnt-cluster what-if."""

from __future__ import annotations

from gnt.commands._space import Survey
from gnt.spec import Lines, Query, args, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.htools.whatif import Play, Report
    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Seen


class WhatIf(Query, command="cluster what-if"):
    """Say what would fit and what would break if nodes were lost or instances added.

    The events happen one after the other, on paper.  "lose node3", "lose node3,node4", "lose group
    rack1" and "lose tag rack:1" take nodes away: what ran there starts elsewhere in its group if it
    can.  "lose any 2" tries every two nodes, "lose any rack:" every tag that begins so, "lose any
    group" every group, "lose any 2 rack:" every two of these.  "add 20x 4G" adds instances:
    memory, then after commas virtual CPUs, disk size and disk template.  The exit code is
    1 when anything breaks or does not fit.
    """

    examples = (
        ("gnt-cluster what-if 'lose node3' 'add 20x 4G'", "is there room for 20 without node3?"),
        ("gnt-cluster what-if 'lose any 2'", "can any two nodes fail at once?"),
        ("gnt-cluster what-if --explain 'add 5x 8G,4,100G,sharedfile'", "why not more of them"),
    )

    events: tuple[str, ...] = args(TEXT, "what happens, each in quotes")
    explain: bool = opt(BOOL, "say of each node why it takes no more", default=False)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return Survey(cfg).calls()

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        from gnt.htools.whatif import Play

        survey = Survey(cfg)
        enabled = cfg.cluster.enabled_disk_templates
        scene = Play(survey.world(seen), enabled[0], enabled)
        reports = [self._told(scene, scene.happen(event)) for event in self.events]
        after = scene.summary()
        lines = [line for report in (*reports, after)
                 for line in (f"{report.event}: {report.lines[0]}", *report.lines[1:])]
        good = all(report.good for report in reports)
        data = [{"event": r.event, "good": r.good, **r.data} for r in (*reports, after)]
        return Lines(lines=tuple(lines), data=data, problems=survey.problems(seen),
                     exit_code=0 if good else 1)

    def _told(self, scene: Play, report: Report) -> Report:
        if not self.explain or not report.event.strip().startswith("add"):
            return report
        whys = scene.explained(report.event)
        return report.replace(lines=(*report.lines, *whys))
