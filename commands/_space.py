"""The whole cluster as placement sees it: what nodes are asked, and the world that follows.

A node has no more free memory than its instances leave of it: what is meant to run and does not
yet (a job is about to start it) counts as running, and so does memory that a guest has not touched.
"""

from __future__ import annotations

from gnt.commands._listing import Questions
from gnt.model import inherit
from gnt.query.live import alive, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from typing import Any

    from gnt.htools.config import Seen as Figures
    from gnt.htools.world import World
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call
    from gnt.query.live import Live
    from gnt.spec import Seen, Session

FIELDS = frozenset(("dtotal", "dfree", "status", "mnode"))


class Survey:
    """One round of questions to all nodes."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self._questions = Questions(cfg, FIELDS, facts=True)

    def calls(self) -> Iterator[Call[Any]]:
        return self._questions.calls()

    def problems(self, seen: Seen) -> tuple[str, ...]:
        """One line for each node that did not answer."""
        return self._questions.problems(seen)

    def ask(self, session: Session) -> Seen:
        """Ask; nodes that do not answer are named and left out."""
        seen = session.ask(self.calls())
        for problem in self.problems(seen):
            session.tell(problem)
        return seen

    def figures(self, seen: Seen) -> dict[str, Figures]:
        """What nodes have, by uuid; silent ones are left out."""
        return _figures(self.cfg, self._questions.live(seen), being_made(self.cfg))

    def world(self, seen: Seen) -> World:
        return world(self.cfg, self._questions.live(seen))


def world(cfg: Config, live: Live) -> World:
    """The world that follows from the configuration and what nodes said."""
    from gnt.htools import config

    made = being_made(cfg)
    states = {i.uuid: _status(cfg, live, i, i.uuid in made) for i in cfg.instances}
    return config.world(cfg, _figures(cfg, live, made), states, made)


def being_made(cfg: Config) -> frozenset[str]:
    """The instances that begun jobs are making: reserved for now, there in a moment."""
    held = {path for job in cfg.jobs if job.state != "waiting" for path in job.exclusive}
    return frozenset(i.uuid for i in cfg.instances
                     if i.forthcoming and f"instances/{i.uuid}" in held)


def without_policy(world: World) -> World:
    """The same where anything is allowed (--ignore-ipolicy)."""
    from gnt.htools.world import Policy

    anything = Policy(minmax=(), vcpu_ratio=1e6, spindle_ratio=1e6)
    return world.replace(groups=tuple(g.replace(policy=anything) for g in world.groups))


def busy(cfg: Config) -> frozenset[str]:
    """The uuids of nodes that begun jobs have for themselves."""
    return frozenset(path.removeprefix("nodes/") for job in cfg.jobs if job.state != "waiting"
                     for path in job.exclusive if path.startswith("nodes/"))


def _status(cfg: Config, live: Live, inst: Instance, made: bool) -> str:
    found = status(cfg, live, inst)
    return "running" if made or (found == "ERROR_down" and _held(cfg, inst)) else found


def _held(cfg: Config, inst: Instance) -> bool:
    """Whether a begun job works on it: it is down because it is about to be started."""
    return any(f"instances/{inst.uuid}" in job.exclusive for job in cfg.jobs
               if job.state != "waiting")


def _figures(cfg: Config, live: Live, made: Container[str]) -> dict[str, Figures]:
    from gnt.htools.config import Seen as Figures

    found = {}
    for node in cfg.nodes:
        facts = live.facts.get(node.uuid)
        if facts is None:
            continue
        guests = [g for g in live.guests.get(node.uuid, ()) if alive(g)]
        own = max(0, facts.mtotal - facts.mfree - sum(g.memory for g in guests))
        running = {g.uuid for g in guests}
        promised = dict(_promised(cfg, node, made))
        coming = sum(mib for uuid, mib in promised.items() if uuid not in running)
        room = live.room.get(node.uuid)
        found[node.uuid] = Figures(
            memory=facts.mtotal, own=own, cpus=facts.ctotal,
            free=max(0, min(facts.mfree - coming, facts.mtotal - own - sum(promised.values()))),
            disk=room.total if room else 0, disk_free=room.free if room else 0)
    return found


def _promised(cfg: Config, node: Node, made: Container[str]) -> Iterator[tuple[str, int]]:
    """The instances of a node that run or are about to, with the MiB they are entitled to."""
    for inst in cfg.instances_on(node):
        if inst.uuid in made or (inst.admin_state == "up" and not inst.forthcoming):
            yield inst.uuid, inherit.backend(cfg, inst).maxmem
