"""What the list commands ask nodes, and how the answers become live facts."""

from __future__ import annotations

from gnt.hypervisor.base import hypervisor
from gnt.query.facts import node_facts
from gnt.query.live import Live, Room
from gnt.query.source import Objects
from gnt.query.view import View
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from typing import Any

    from gnt.hypervisor.base import Running
    from gnt.model.config import Config
    from gnt.model.objects import Disk, Node
    from gnt.plan import Call
    from gnt.query.facts import NodeFacts
    from gnt.query.listing import Listing
    from gnt.spec import Seen
    from gnt.storage.base import Space

ROOM = frozenset(("dtotal", "dfree"))
GUESTS = frozenset(("status", "console", "oper_ram", "oper_state", "oper_vcpus", "mnode"))


def defaults(what: str, name: str) -> Mapping[str, Any]:
    """The parameters of a driver with their defaults."""
    params = (hypervisor(name) if what == "hypervisor" else storage(name)).params
    return {field: params.DEFAULTS.get(field) for field in params.NAMES}


def extra(disk: Disk) -> int:
    """What a disk takes on its nodes beyond its size, in MiB."""
    return storage(disk.dev_type).usage(disk) - disk.size


def chosen(command: Listing, cfg: Config) -> list[Any] | None:
    """The objects that the words of a list with live fields choose; None: perhaps any."""
    if not command.live() or not command.settled():
        return None
    source = Objects(command.kind, View(cfg, None, defaults, extra), command.things(cfg))
    return [source.things[row] for row in command.rows(source)]


class Questions:
    """The calls that answer some live fields, by node; ``among``: to these only, by uuid."""

    def __init__(
        self, cfg: Config, live: frozenset[str], *, facts: bool,
        among: Container[str] | None = None,
    ) -> None:
        self.nodes = [node for node in cfg.online() if node.vm_capable
                      and (among is None or node.uuid in among)] if live else []
        wanted = live & GUESTS
        self.facts: dict[str, Call[NodeFacts]] = {
            node.uuid: node_facts.on(node.name) for node in self.nodes} if facts and live else {}
        self.guests: dict[str, list[Call[tuple[Running, ...]]]] = {
            node.uuid: [hypervisor(name).found(node.name)
                        for name in cfg.cluster.enabled_hypervisors]
            for node in self.nodes} if wanted else {}
        self.room: dict[str, Call[Space]] = dict(_room(cfg, self.nodes)) if live & ROOM else {}

    def calls(self) -> Iterator[Call[Any]]:
        yield from self.facts.values()
        for calls in self.guests.values():
            yield from calls
        yield from self.room.values()

    def live(self, seen: Seen) -> Live:
        """The answers; nodes that did not answer are left out."""
        return Live(
            facts={uuid: seen[call] for uuid, call in self.facts.items() if not seen.failed(call)},
            guests={uuid: tuple(guest for call in calls for guest in seen[call])
                    for uuid, calls in self.guests.items() if not _failed(seen, calls)},
            room={uuid: _room_of(seen[call]) for uuid, call in self.room.items()
                  if not seen.failed(call)},
        )

    def problems(self, seen: Seen) -> tuple[str, ...]:
        """One line for each node that did not answer."""
        said: dict[str, str] = {}
        for call in self.calls():
            error = seen.failed(call)
            if error is not None:
                said.setdefault(call.node, str(error))
        return tuple(said.values())


def _failed(seen: Seen, calls: Iterable[Call[Any]]) -> bool:
    return any(seen.failed(call) for call in calls)


def _room(cfg: Config, nodes: Iterable[Node]) -> Iterator[tuple[str, Call[Space]]]:
    """Asks for the space of the first enabled template that takes any."""
    drivers = [storage(name) for name in cfg.cluster.enabled_disk_templates]
    for node in nodes:
        calls = (driver.space(cfg, node) for driver in drivers)
        call = next((call for call in calls if call is not None), None)
        if call is not None:
            yield node.uuid, call


def _room_of(space: Space) -> Room:
    return Room(total=space.total, free=space.free)
