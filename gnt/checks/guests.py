"""Instances run where they belong, and nothing else runs."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.hypervisor.base import hypervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Running
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Guests(Check):
    codes = ("ENODEORPHANINSTANCE", "EINSTANCEWRONGNODE", "EINSTANCEDOWN")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[tuple[Running, ...]]]:
        for node in nodes:
            yield from _questions(cfg, node)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        busy = {path for job in cfg.jobs for path in job.exclusive}
        where: dict[str, list[Node]] = {}
        known = set(cfg.state.keys("instances"))
        for node in nodes:
            for guest in _guests(cfg, node, seen):
                if guest.uuid in known:
                    where.setdefault(guest.uuid, []).append(node)
                else:
                    yield Finding(code="ENODEORPHANINSTANCE", kind="node", name=node.name,
                                  message=f"runs {guest.name}, which is no instance")
        silent = {node.uuid for node in nodes
                  if any(seen.failed(call) for call in _questions(cfg, node))}
        verified = {node.uuid for node in nodes}
        for inst in cfg.instances:
            if inst.primary_node in verified and f"instances/{inst.uuid}" not in busy:
                yield from _placed(cfg, inst, where.get(inst.uuid, []),
                                   silent=inst.primary_node in silent)


def _questions(cfg: Config, node: Node) -> Iterator[Call[tuple[Running, ...]]]:
    if node.vm_capable:
        yield from (hypervisor(name).found(node.name) for name in cfg.cluster.enabled_hypervisors)


def _guests(cfg: Config, node: Node, seen: Seen) -> Iterator[Running]:
    for call in _questions(cfg, node):
        if seen.failed(call) is None:
            yield from (guest for guest in seen[call] if not guest.ended)


def _placed(cfg: Config, inst: Instance, where: list[Node], *, silent: bool) -> Iterator[Finding]:
    home = inst.primary_node
    for node in where:
        if node.uuid != home:
            yield Finding(code="EINSTANCEWRONGNODE", kind="instance", name=inst.name,
                          message=f"runs on {node.name}, its home is {cfg.node(home).name}")
    at_home = any(node.uuid == home for node in where)
    if inst.admin_state == "up" and not at_home and not silent and not inst.forthcoming:
        yield Finding(code="EINSTANCEDOWN", kind="instance", name=inst.name,
                      message=f"does not run on its home {cfg.node(home).name}")
    if inst.admin_state != "up" and at_home:
        yield Finding(code="EINSTANCEWRONGNODE", kind="instance", name=inst.name,
                      message=f"runs on {cfg.node(home).name} and should be {inst.admin_state}")


CHECK = Guests()
