"""gnt-node health."""

from __future__ import annotations

from gnt.commands import _at_once
from gnt.commands.node import _oob
from gnt.spec import Column, Query, Table, args, opt
from gnt.values import TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Health(_at_once.AtOnce, Query, command="node health"):
    """Show how the parts of nodes are, as their out-of-band program says."""

    tabular = True
    examples = (("gnt-node health", "every node that has an out-of-band program"),
                ("gnt-node health node3", "power supplies, fans and the like of node3"))

    names: tuple[str, ...] = args(TEXT, "nodes (default: all)", default=(), complete="node")
    oob_timeout: int = opt(whole(1, _oob.LONGEST), "how long the program may take",
                           default=_oob.TIMEOUT, metavar="SECONDS")

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return (call for _, call in self._calls(cfg))

    def answer(self, cfg: Config, seen: Seen) -> Table:
        rows: list[tuple[str, str, str]] = []
        problems = []
        for node, call in self._calls(cfg):
            failed = seen.failed(call)
            if failed is not None:
                problems.append(f"{node.name}: {failed.message}")
            else:
                rows += [(node.name, item, state) for item, state in seen[call]]
        return Table(columns=(
            Column(name="node", title="Node"), Column(name="item", title="Item"),
            Column(name="status", title="Status")), rows=tuple(rows), problems=tuple(problems))

    def _calls(self, cfg: Config) -> Iterator[tuple[Node, Call[tuple[tuple[str, str], ...]]]]:
        """Of all nodes those with a program; a node that was named must have one."""
        for node in [cfg.node(name) for name in self.names] or cfg.nodes:
            found = _oob.required(cfg, node) if self.names else _oob.program(cfg, node)
            if found:
                yield node, _oob.health.on(cfg.master.name, found, node.name, self.oob_timeout)
