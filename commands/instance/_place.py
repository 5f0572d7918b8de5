"""Asking nodes what a new or moving instance needs to know, and choosing one."""

from __future__ import annotations

from gnt.commands._space import Survey, without_policy
from gnt.errors import Conflict, Invalid, NoCapacity
from gnt.hypervisor.base import hypervisor
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.net.base import nic_mode
from gnt.query.facts import node_facts
from gnt.record import Record
from gnt.storage.base import Mirrored, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gnt.htools.allocate import NoRoom
    from gnt.htools.place import Wish
    from gnt.hypervisor.base import Capabilities
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
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

    def lacks(self, cfg: Config, node: Node, seen: Seen, disk: int) -> str:
        """As ``problem``, and when its disks, ``disk`` MiB in all, do not fit there."""
        problem = self.problem(cfg, node, seen)
        space = storage(self.template).space(cfg, node)
        if not problem and space is not None and seen[space].free < disk:
            return f"{seen[space].free} MiB of disk free"
        return problem


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


def unsuitable(cfg: Config, node: Node, group: str) -> str:
    """Why the configuration rules a node out (``group``: a uuid); empty when it does not."""
    if group and node.group != group:
        return "in another group"
    if not group and cfg.one(Group, node.group).alloc_policy == "unallocable":
        return "its group takes no new instances"
    return unusable(node) or ("drained" if node.drained else "")


class Choice(Record):
    """The node for an instance, and what a person should know of how it was chosen."""

    node: Node
    second: Node | None = None  # where the other copy of mirrored disks is
    notes: tuple[str, ...] = ()


class Search(Record):
    """Looking for the node of a new instance."""

    wish: Wish
    wanted: str = ""  # -n
    strict: bool = False  # the loss of any node must remain survivable
    explain: bool = False
    ignore_policy: bool = False
    avoid: frozenset[str] = frozenset()  # uuids of nodes

    def candidates(self, cfg: Config) -> list[Node]:
        """The nodes to ask: the one named, or all that the configuration does not rule out."""
        if self.wanted:
            nodes = named(cfg, self.wanted, self.wish.template)
            for node in nodes:
                require_usable(node, new=True)
            return list(nodes)
        return [node for node in cfg.nodes
                if node.uuid not in self.avoid and not unsuitable(cfg, node, self.wish.group)]

    def ask(self, cfg: Config, needs: Mapping[str, Needs]) -> Iterator[Call[Any]]:
        """``needs``: by group."""
        for node in self.candidates(cfg):
            yield from needs[node.group].ask(cfg, node)
        if not self.wanted:
            yield from Survey(cfg).calls()

    def choose(self, cfg: Config, seen: Seen, needs: Mapping[str, Needs], *, start: bool) -> Choice:
        """Raises NoCapacity or Conflict."""
        asked = self.candidates(cfg)
        if not self.wanted:
            return self._placed(cfg, seen, asked, needs)
        node, *others = asked
        require(cfg, seen, node, needs[node.group], self.wish.memory if start else 0,
                self.wish.name)
        for other in others:
            require(cfg, seen, other, needs[other.group], 0, self.wish.name)
        return Choice(node=node, second=others[0] if others else None)

    def _placed(
        self, cfg: Config, seen: Seen, asked: list[Node], needs: Mapping[str, Needs],
    ) -> Choice:
        from gnt.htools import place
        from gnt.htools.allocate import NoRoom

        disk = self.wish.instance().dsk
        barred = {node.name: why for node in asked
                  if (why := needs[node.group].lacks(cfg, node, seen, disk))}
        able = tuple(node.name for node in asked if node.name not in barred)
        wish = self.wish.replace(nodes=able)
        world = Survey(cfg).world(seen)
        if self.ignore_policy:
            world = without_policy(world)
        try:
            made = place.place(world, wish) if self.strict else place.prefer(world, wish)
        except NoRoom as error:
            raise self._nowhere(cfg, barred, error) from None
        notes = () if made.survives else (
            "with it, the cluster could not take up all instances of a node that fails",)
        if self.explain:
            whys = dict(place.explained(world, wish, made)) | self._ruled_out(cfg) | barred
            notes = (*notes, f"{wish.name} goes to {' and '.join(made.nodes)}",
                     *(f"not {name}: {why}" for name, why in whys.items()))
        node, *others = (cfg.node(name) for name in made.nodes)
        return Choice(node=node, second=others[0] if others else None, notes=notes)

    def _ruled_out(self, cfg: Config) -> dict[str, str]:
        """Nodes that were not asked, and why."""
        return {node.name: why for node in cfg.nodes
                if (why := "another job has it for itself" if node.uuid in self.avoid
                    else unsuitable(cfg, node, self.wish.group))}

    def _nowhere(self, cfg: Config, barred: Mapping[str, str], error: NoRoom) -> NoCapacity:
        from gnt.htools import place

        wish = self.wish
        whys = {**dict(error.rejected), **self._ruled_out(cfg), **barred}
        return NoCapacity(
            f"no node has room for {wish.name} ({wish.memory} MiB of memory, {sum(wish.disks)} "
            f"MiB of disk): {place.said(tuple(whys.items())) or 'there are no nodes'}",
            hint="gnt-node list, or hspace -L shows what fits")


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
    free = seen[node_facts.on(node.name)].mfree
    if free < memory_needed:
        raise NoCapacity(
            f"node {node.name} has {free} MiB of memory free, {name} needs {memory_needed} MiB",
            hint=f"gnt-instance modify -B memory=SIZE {name}, or free memory on {node.name}")


def require_disk(cfg: Config, seen: Seen, node: Node, needs: Needs, disk: int, name: str) -> None:
    """Raise NoCapacity when the disks of an instance do not fit on a node."""
    space = storage(needs.template).space(cfg, node)
    if space is not None and seen[space].free < disk:
        raise NoCapacity(
            f"node {node.name} has {seen[space].free} MiB of disk space free, {name} needs "
            f"{disk} MiB",
            hint="smaller disks, or no -n: a node with room is chosen")


def groups_of(nodes: Iterable[Node]) -> list[str]:
    return sorted({node.group for node in nodes})
