"""Nothing of guests that are gone is left on nodes: files, sockets, interfaces."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.hypervisor.base import hypervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Remains(Check):
    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[tuple[str, ...]]]:
        for _, call in _questions(cfg, nodes):
            yield call

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        if cfg.jobs:
            return  # what a running job has made is not lost
        known = set(cfg.state.keys("instances"))
        for node, call in _questions(cfg, nodes):
            if seen.failed(call) is not None:
                continue
            for left in seen[call]:
                if not any(uuid in left for uuid in known):
                    yield Finding(code="ENODEORPHANINSTANCE", kind="node", name=node.name,
                                  message=f"{left} is left of a guest that is gone", warning=True)


def _questions(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Node, Call[tuple[str, ...]]]]:
    for node in nodes:
        for name in cfg.cluster.enabled_hypervisors if node.vm_capable else ():
            call = hypervisor(name).leftovers(node.name)
            if call is not None:
                yield node, call


CHECK = Remains()
