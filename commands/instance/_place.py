"""Asking nodes what a new or moving instance needs to know, and choosing one."""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.hypervisor.base import hypervisor
from gnt.model import allocate, inherit
from gnt.model.allocate import Request, Room
from gnt.net.base import nic_mode
from gnt.query.facts import node_facts
from gnt.record import Record
from gnt.storage.base import Mirrored, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gnt.hypervisor.base import Capabilities
    from gnt.model.config import Config
    from gnt.model.objects import Group, Instance, Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Needs(Record):
    """What an instance needs of a node."""

    hypervisor: str
    params: Record
    template: str
    links: Mapping[str, tuple[str, ...]] = {}  # NIC mode -> bridges and the like

    def ask(self, cfg: Config, node: Node) -> Iterator[Call[Any]]:
        """Everything to ask one node."""
        yield node_facts.on(node.name)
        yield self.capable(node)
        space = storage(self.template).space(cfg, node)
        if space is not None:
            yield space
        yield from (call for _, call in self._links(node))

    def capable(self, node: Node) -> Call[Capabilities]:
        return hypervisor(self.hypervisor).capabilities(node.name, self.params)

    def notes(self, node: Node, seen: Seen) -> tuple[str, ...]:
        """What a person should know of the node before it runs the instance."""
        return tuple(f"{node.name}: {problem}" for problem in seen[self.capable(node)].problems)

    def _links(self, node: Node) -> Iterator[tuple[str, Call[tuple[str, ...]]]]:
        for mode, links in self.links.items():
            call = nic_mode(mode).missing(node.name, links)
            if call is not None:
                yield mode, call

    def problem(self, cfg: Config, node: Node, seen: Seen) -> str:
        """Why the node will not do; empty when it will."""
        for call in self.ask(cfg, node):
            failed = seen.failed(call)
            if failed is not None:
                return failed.problem
        for mode, call in self._links(node):
            missing = seen[call]
            if missing:
                return f"has no {', '.join(missing)} for {mode} NICs"
        return ""

    def room(self, cfg: Config, node: Node, seen: Seen) -> Room:
        """What the node has, or its problem."""
        problem = self.problem(cfg, node, seen)
        if problem:
            return Room(problem=problem)
        space = storage(self.template).space(cfg, node)
        said = seen[node_facts.on(node.name)]
        return Room(total=said.mtotal, free=said.mfree,
                    disk=seen[space].free if space is not None else None)


def needs(cfg: Config, inst: Instance, group: Group, params: Record) -> Needs:
    """What an instance needs of the nodes of a group."""
    links: dict[str, tuple[str, ...]] = {}
    for nic in inst.nics:
        filled = inherit.nic(cfg, nic, group)
        known = links.get(filled.mode, ())
        links[filled.mode] = known if filled.link in known else (*known, filled.link)
    return Needs(hypervisor=inst.hypervisor, params=params, template=inst.disk_template,
                 links=links)


def named(cfg: Config, text: str, template: str) -> tuple[Node, ...]:
    """``-n NODE``, or ``-n NODE:SECONDARY`` for a template that keeps a second copy."""
    name, colon, second = text.partition(":")
    if not isinstance(storage(template), Mirrored):
        if colon:
            raise Invalid("-n", f"{text!r} names a secondary node, but disks of the template "
                          f"{template} have no second copy", hint=f"-n {name}")
        return (cfg.node(name),)
    if not second:
        raise Invalid("-n", f"disks of the template {template} need a secondary node, too",
                      hint=f"-n {name}:NODE")
    nodes = cfg.node(name), cfg.node(second)
    if nodes[0] == nodes[1]:
        raise Invalid("-n", f"{nodes[0].name} cannot be its own secondary node")
    return nodes


def candidates(cfg: Config, request: Request, wanted: str) -> list[Node]:
    """The nodes to ask: the one named, or all that the configuration does not rule out."""
    if wanted:
        node = cfg.node(wanted.partition(":")[0])
        allocate.require_usable(node, new=True)
        return [node]
    return [node for node in cfg.nodes if not allocate.unsuitable(cfg, node, request)]


def choose(
    cfg: Config, seen: Seen, request: Request, wanted: str, needs: Mapping[str, Needs],
    *, start: bool,
) -> Node:
    """The node for an instance; ``needs`` is by group.  Raises NoCapacity or Conflict."""
    asked = candidates(cfg, request, wanted)
    if not wanted:
        rooms = {node.name: needs[node.group].room(cfg, node, seen) for node in asked}
        return allocate.choose(cfg, rooms, request)
    node = asked[0]
    require(cfg, seen, node, needs[node.group], request.memory if start else 0, request.name)
    return node


def require(
    cfg: Config, seen: Seen, node: Node, needs: Needs, memory_needed: int, name: str,
) -> None:
    """Raise when a certain node cannot run the instance now."""
    for call in needs.ask(cfg, node):
        seen[call]
    problem = needs.problem(cfg, node, seen)
    if problem:
        raise Conflict(f"node {node.name} cannot run {name}: {problem}",
                       hint=f"gnt-node info {node.name}")
    allocate.require_memory(cfg, node, needs.room(cfg, node, seen), memory_needed, name)


def groups_of(nodes: Iterable[Node]) -> list[str]:
    return sorted({node.group for node in nodes})
