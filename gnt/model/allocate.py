"""Where a new instance goes, when nobody said.

One function, :func:`choose`, decides; it is given what the nodes said of themselves.  Of the
suitable nodes the one with the most memory left is taken.
"""

from __future__ import annotations

from gnt.errors import Conflict, NoCapacity
from gnt.model import inherit
from gnt.model.objects import Group, Node
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config


class Room(Record):
    """What a node said: MiB, and ``problem`` when it could not say."""

    total: int = 0
    free: int = 0
    disk: int | None = None  # None: disks take no room on the node
    problem: str = ""


class Request(Record):
    """What must fit."""

    name: str
    memory: int  # MiB
    disk: int = 0  # MiB on the node
    group: str = ""  # uuid; empty: any that takes new instances


def choose(cfg: Config, rooms: Mapping[str, Room], request: Request) -> Node:
    """The node for a request; raises NoCapacity saying of each node why not."""
    left: dict[str, int] = {}
    reasons = []
    for node in cfg.nodes:
        why = unsuitable(cfg, node, request)
        room = rooms.get(node.name)
        if room is None and not why:
            continue  # nobody considers it: where a moving instance is now
        why = why or _lacks(cfg, node, room or Room(), request)
        if why:
            reasons.append(f"{node.name}: {why}")
        else:
            left[node.uuid] = free_memory(cfg, node, rooms[node.name]) - request.memory
    if not left:
        raise NoCapacity(
            f"no node has room for {request.name} ({request.memory} MiB of memory, "
            f"{request.disk} MiB of disk): {'; '.join(reasons) or 'there are no nodes'}",
            hint="gnt-node list",
        )
    rank = {name: place for place, name in enumerate(
        ("preferred", "last_resort", "unallocable"))}

    def order(node: Node) -> tuple[int, int, int]:
        """By whole GiB that are left; of equal nodes the one that has promised less."""
        group = cfg.one(Group, node.group)
        return rank[group.alloc_policy], -(left[node.uuid] // 1024), committed(cfg, node)

    return min((cfg.one(Node, uuid) for uuid in left), key=order)


def unsuitable(cfg: Config, node: Node, request: Request) -> str:
    """Why the configuration rules a node out; empty when it does not."""
    if request.group and node.group != request.group:
        return "in another group"
    policy = cfg.one(Group, node.group).alloc_policy
    if policy == "unallocable" and not request.group:
        return "its group takes no new instances"
    return unusable(node) or ("drained" if node.drained else "")


def unusable(node: Node) -> str:
    """Why a node cannot run instances at all; empty when it can."""
    if node.offline:
        return "marked offline"
    return "" if node.vm_capable else "not vm-capable"


def require_usable(node: Node, *, new: bool = False) -> None:
    """Raise Conflict when a node cannot run an instance (``new``: or takes no further ones)."""
    why = unusable(node) or ("drained" if new and node.drained else "")
    if why:
        raise Conflict(f"node {node.name} is {why}", hint="gnt-node list -o name,role")


def committed(cfg: Config, node: Node) -> int:
    """MiB that the instances of a node are entitled to, running or about to be."""
    return sum(
        inherit.backend(cfg, inst).maxmem
        for inst in cfg.instances_on(node) if inst.admin_state == "up" or inst.forthcoming
    )


def free_memory(cfg: Config, node: Node, room: Room) -> int:
    """MiB: what the node has free, and no more than its instances leave of it."""
    return min(room.free, room.total - committed(cfg, node))


def _lacks(cfg: Config, node: Node, room: Room, request: Request) -> str:
    if room.problem:
        return room.problem
    free = free_memory(cfg, node, room)
    if free < request.memory:
        return f"{max(free, 0)} MiB of memory free"
    if room.disk is not None and room.disk < request.disk:
        return f"{room.disk} MiB of disk free"
    return ""


def require_disk(node: Node, room: Room, request: Request) -> None:
    """Raise NoCapacity when the disks of an instance do not fit on a node."""
    if room.disk is not None and room.disk < request.disk:
        raise NoCapacity(
            f"node {node.name} has {room.disk} MiB of disk space free, {request.name} needs "
            f"{request.disk} MiB",
            hint="smaller disks, or no -n: a node with room is chosen",
        )


def require_memory(cfg: Config, node: Node, room: Room, memory: int, name: str) -> None:
    """Raise NoCapacity when an instance does not fit in a node's free memory now."""
    if room.free < memory:
        raise NoCapacity(
            f"node {node.name} has {room.free} MiB of memory free, {name} needs {memory} MiB",
            hint=f"gnt-instance modify -B memory=SIZE {name}, or free memory on {node.name}",
        )

