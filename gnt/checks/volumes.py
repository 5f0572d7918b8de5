"""The volume group is there on every node that may have disks in it."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Volumes(Check):
    codes = ("ENODELVM",)

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (call for _, call in _asked(cfg, nodes))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for node, call in _asked(cfg, nodes):
            failed = seen.failed(call)
            if failed is not None and failed.kind == "failed":
                yield on_node(node, "ENODELVM", " ".join(failed.stderr.split()) or failed.problem)


def _asked(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Node, Call[Any]]]:
    """Each node that may have volumes, with a question about its group."""
    drivers = [storage(name) for name in cfg.cluster.enabled_disk_templates]
    using = next((driver for driver in drivers if driver.on_volumes), None)
    for node in [node for node in nodes if node.vm_capable and using]:
        call = using.space(cfg, node) if using else None
        if call is not None:
            yield node, call


CHECK = Volumes()
