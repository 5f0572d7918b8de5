"""What nodes say of themselves and their guests, and the states that follow from it."""

from __future__ import annotations

from gnt.query.cells import NODATA, OFFLINE, UNAVAIL, Absent
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.query.facts import NodeFacts

    class Guest(Protocol):
        """What a hypervisor found (``gnt.hypervisor.base.Running``)."""

        @property
        def uuid(self) -> str: ...
        @property
        def name(self) -> str: ...
        @property
        def memory(self) -> int: ...
        @property
        def vcpus(self) -> int: ...
        @property
        def state(self) -> str: ...

class Room(Record):
    """Disk space of a node in MiB."""

    total: int
    free: int


class Live:
    """Answers of nodes, by the uuid of the node; a node without an answer did not answer."""

    def __init__(
        self, facts: Mapping[str, NodeFacts] | None = None,
        guests: Mapping[str, tuple[Guest, ...]] | None = None,
        room: Mapping[str, Room] | None = None,
        consoles: Mapping[str, object] | None = None,
    ) -> None:
        self.facts = facts or {}
        self.guests = guests or {}
        self.room = room or {}
        self.consoles = consoles or {}  # by instance
        self._where: dict[str, dict[str, Guest]] | None = None

    def where(self, inst: Instance) -> Mapping[str, Guest]:
        """The nodes on which the instance was found, alive or shut down by its user."""
        if self._where is None:
            self._where = {}
            for node, guests in self.guests.items():
                for guest in guests:
                    self._where.setdefault(guest.uuid, {})[node] = guest
        return self._where.get(inst.uuid, {})


def alive(guest: Guest | None) -> bool:
    return guest is not None and guest.state != "shutdown"


def status(cfg: Config, live: Live, inst: Instance) -> str:
    """The instance's state as intent and facts together tell it (reference B.1)."""
    primary = cfg.node(inst.primary_node)
    if primary.offline:
        return "ERROR_nodeoffline"
    if primary.uuid not in live.guests:
        return "ERROR_nodedown"
    places = live.where(inst)
    if any(alive(guest) for node, guest in places.items() if node != primary.uuid):
        return "ERROR_wrongnode"
    guest = places.get(primary.uuid)
    if alive(guest):
        return "running" if inst.admin_state == "up" else "ERROR_up"
    return _stopped(inst, by_user=guest is not None and cfg.cluster.enabled_user_shutdown)


def _stopped(inst: Instance, *, by_user: bool) -> str:
    if inst.admin_state == "up":
        return "USER_down" if by_user else "ERROR_down"
    if inst.admin_state == "down":
        return "USER_down" if inst.admin_state_source == "user" else "ADMIN_down"
    return "ADMIN_offline"


def guest_value(cfg: Config, live: Live, inst: Instance, name: str) -> int | bool | Absent:
    """``memory``, ``vcpus`` or ``running`` of an instance as a hypervisor says."""
    primary = cfg.node(inst.primary_node)
    if primary.offline:
        return OFFLINE
    guest = next((g for g in live.where(inst).values() if alive(g)), None)
    if guest is None and primary.uuid not in live.guests:
        return NODATA
    if name == "running":
        return guest is not None
    if guest is None:
        return UNAVAIL
    return guest.memory if name == "memory" else guest.vcpus


def node_value(live: Live, node: Node, name: str) -> int | str | Absent:
    """One of a node's facts; ``mnode`` is what is neither free nor guests'."""
    if node.offline:
        return OFFLINE
    if name in ("dtotal", "dfree"):
        room = live.room.get(node.uuid)
        if room is None:
            return UNAVAIL if node.uuid in live.facts else NODATA
        return room.total if name == "dtotal" else room.free
    facts = live.facts.get(node.uuid)
    if facts is None:
        return NODATA
    if name in ("spfree", "sptotal"):
        return UNAVAIL  # exclusive storage only
    if name == "mnode":
        used = sum(guest.memory for guest in live.guests.get(node.uuid, ()) if alive(guest))
        return max(0, facts.mtotal - facts.mfree - used)
    value: int | str = getattr(facts, "ctotal" if name == "cnos" else name)
    return value


def role(cfg: Config, node: Node) -> str:
    """M master, C candidate, D drained, O offline, R regular."""
    if node.uuid == cfg.cluster.master_node:
        return "M"
    if node.offline:
        return "O"
    if node.drained:
        return "D"
    return "C" if node.master_candidate else "R"
