"""gnt-cluster verify."""

from __future__ import annotations

from gnt.checks.base import checks
from gnt.spec import Lines, Query, opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.checks.base import Finding
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Verify(Query, command="cluster verify"):
    """Check the configuration and the nodes against each other.

    The configuration that is checked was read with its signatures.  It must make sense by itself;
    nodes must answer, have what they need and know no newer master; instances must run where they
    belong, with their disks; nothing else may be there.  The exit code is 1 when there are errors;
    warnings alone leave it 0.
    """

    examples = (
        ("gnt-cluster verify", "everything"),
        ("gnt-cluster verify --error-codes -g rack2", "one group, for programs"),
        ("gnt-cluster verify -I EINSTANCEPOLICY", "policy violations are only warnings"),
    )

    error_codes: bool = opt(BOOL, "begin each line with a code, for programs", default=False)
    ignore_errors: tuple[str, ...] = opts(TEXT, "make errors of this code warnings", short="-I",
                                          metavar="CODE")
    node_group: str = opt(TEXT, "only the nodes of this group", default="", short="-g",
                          metavar="GROUP")
    verbose: bool = opt(BOOL, "also say what was checked", default=False, short="-v")

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        asked = {}
        for check in checks():
            for call in check.facts(cfg, self._nodes(cfg)):
                asked[call.key] = call
        return iter(asked.values())

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        nodes = self._nodes(cfg)
        found = [self._judged(one) for check in checks()
                 for one in check.findings(cfg, nodes, seen)]
        errors = sum(not one.warning for one in found)
        head = []
        if not self.error_codes:
            head = [f"* Configuration {cfg.serial} of term {cfg.term} ({cfg.head[:12]}), signed"]
            if self.verbose:
                names = ", ".join(type(check).__name__.lower() for check in checks())
                head += [f"* {len(nodes)} nodes asked, {len(cfg.instances)} instances",
                         f"* {names}"]
        tail = [] if self.error_codes else [
            f"* {errors} errors, {len(found) - errors} warnings" if found else "* Nothing is wrong"]
        return Lines(
            lines=(*head, *(self._line(one) for one in found), *tail),
            data=[dict(one.items()) for one in found], exit_code=1 if errors else 0)

    def _nodes(self, cfg: Config) -> list[Node]:
        group = cfg.group(self.node_group).uuid if self.node_group else ""
        return [node for node in cfg.online() if not group or node.group == group]

    def _judged(self, one: Finding) -> Finding:
        return one.replace(warning=one.warning or one.code in self.ignore_errors)

    def _line(self, one: Finding) -> str:
        level = "WARNING" if one.warning else "ERROR"
        if self.error_codes:
            return f"{level}:{one.code}:{one.kind}:{one.name}:{one.message}"
        return f"  - {level}: {one.kind} {one.name}: {one.message}"
