"""N+1: whatever node fails, its instances find the memory to start elsewhere in its group.

Only instances that can be started elsewhere count: their disks are shared, or they have none.
"""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.errors import GntError
from gnt.model import allocate, inherit
from gnt.model.allocate import Room
from gnt.query.facts import node_facts
from gnt.storage.base import Shared, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Spare(Check):
    codes = ("ENODEN1",)
    option = "nplus1_mem"

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (node_facts.on(node.name) for node in nodes if node.vm_capable)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        groups: dict[str, list[Node]] = {}
        for node in nodes:
            if node.vm_capable:
                groups.setdefault(node.group, []).append(node)
        for members in groups.values():
            free = dict(_rooms(cfg, members, seen))
            for node in members if len(members) > 1 else ():
                left = _homeless(cfg, node, free)
                if left:
                    total = sum(memory for _, memory in left)
                    names = ", ".join(name for name, _ in left[:3])
                    yield on_node(node, "ENODEN1", f"if it fails, {len(left)} of its instances "
                                  f"find no memory elsewhere ({total} MiB: {names}"
                                  f"{' …' if len(left) > 3 else ''})")


def _rooms(cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[tuple[str, int]]:
    """MiB of the nodes that answered and take new instances."""
    for node in nodes:
        if node.drained or seen.failed(node_facts.on(node.name)) is not None:
            continue
        said = seen[node_facts.on(node.name)]
        try:
            yield node.uuid, allocate.free_memory(
                cfg, node, Room(total=said.mtotal, free=said.mfree))
        except GntError:
            continue  # an instance's parameters make no sense: the check of consistency says so


def _homeless(cfg: Config, node: Node, free: dict[str, int]) -> list[tuple[str, int]]:
    """The instances, with their MiB, that fit nowhere else; the largest are placed first."""
    room = {uuid: mib for uuid, mib in free.items() if uuid != node.uuid}
    left = []
    for memory, name in sorted(_movable(cfg, node), reverse=True):
        target = max(room, key=lambda uuid: room[uuid], default="")
        if target and room[target] >= memory:
            room[target] -= memory
        else:
            left.append((name, memory))
    return left


def _movable(cfg: Config, node: Node) -> Iterator[tuple[int, str]]:
    for inst in cfg.instances_on(node):
        driver = storage(inst.disk_template)
        if inst.admin_state != "up" or (driver.takes_disks and not isinstance(driver, Shared)):
            continue
        try:
            be = inherit.backend(cfg, inst)
        except GntError:
            continue  # the check of consistency says so
        if be.auto_balance:
            yield be.minmem, inst.name


CHECK = Spare()
