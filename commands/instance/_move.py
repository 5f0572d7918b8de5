"""Where an instance can move, and what it has to find there."""

from __future__ import annotations

from gnt.commands import _allocator
from gnt.commands._edits import change
from gnt.commands._space import Survey
from gnt.commands.instance import _disks, _guest, _life, _place, _wish
from gnt.errors import Conflict, NoCapacity
from gnt.model.objects import Group
from gnt.spec import Holds
from gnt.storage.base import Mirrored, Shared, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.htools.world import World
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call, Edit
    from gnt.spec import Seen, Session


def holds(cfg: Config, inst: Instance, wanted: str) -> Holds:
    """The instance for itself; its nodes and the one named, if one is, with others."""
    uuids = [inst.primary_node, *(uuid for disk in cfg.disks(inst) for uuid in disk.nodes)]
    uuids += [cfg.node(wanted).uuid] if wanted else []
    return Holds(exclusive=(f"instances/{inst.uuid}",),
                 shared=tuple(f"nodes/{uuid}" for uuid in dict.fromkeys(uuids)))


def require_reachable(cfg: Config, inst: Instance) -> None:
    """Raise Conflict when the disks are not within reach of other nodes."""
    driver = storage(inst.disk_template)
    if driver.takes_disks and not isinstance(driver, (Shared, Mirrored)):
        raise Conflict(
            f"the disks of {inst.name} ({inst.disk_template}) are on one node only",
            hint=f"gnt-instance add -t drbd, or -t sharedfile, makes instances that can move; "
                 f"{inst.name} has to be exported and made anew")


def needs(cfg: Config, inst: Instance) -> dict[str, _place.Needs]:
    """What the instance needs of nodes, by group."""
    params = _guest.hv_params(cfg, inst)
    return {group.uuid: _place.needs(cfg, inst, group, params) for group in cfg.groups}


def candidates(cfg: Config, inst: Instance, wanted: str) -> list[Node]:
    """The nodes to ask: the one named, or all suitable ones of the group."""
    home, second = _life.home(cfg, inst), _disks.second(cfg, inst)
    wanted = wanted or (second.name if second else "")
    if wanted:
        node = cfg.node(wanted)
        if node.uuid == home.uuid:
            raise Conflict(f"{inst.name} is on {node.name} already", hint="-n another node")
        if second and node.uuid != second.uuid:
            raise Conflict(
                f"{inst.name} can only move to {second.name}, where the second copy of its disks "
                "is",
                hint=f"gnt-instance replace-disks -n {node.name} {inst.name} moves that first")
        _place.require_usable(node)
        return [node]
    return [node for node in cfg.nodes
            if node.uuid != home.uuid and not _place.unsuitable(cfg, node, home.group)]


def by_script(session: Session, name: str, typed: str) -> str:
    """The node that a script says for an instance, or for the second copy of its disks; empty
    when the built-in allocator chooses."""
    from gnt.htools import request

    return _allocator.by_script(
        session, typed, lambda cfg: request.relocate(cfg, cfg.instance(name)))


def facts(cfg: Config, inst: Instance, wanted: str) -> Iterator[Call[Any]]:
    """What ``choose`` has to know."""
    able = needs(cfg, inst)
    for node in candidates(cfg, inst, wanted):
        yield _life.running(inst, node)
        yield from able[node.group].ask(cfg, node)
    if not wanted and not _disks.mirrored(inst):
        yield from Survey(cfg).calls()


def choose(
    cfg: Config, inst: Instance, wanted: str, seen: Seen, memory: int, *, explain: bool = False,
) -> _place.Choice:
    """The node to move to: it has what the instance needs and does not run it yet."""
    able = needs(cfg, inst)
    if wanted or _disks.mirrored(inst):
        (target,) = candidates(cfg, inst, wanted)
        _place.require(cfg, seen, target, able[target.group], memory, inst.name)
        made = _place.Choice(node=target)
    else:
        made = _relocated(cfg, inst, seen, memory, explain=explain)
    if _life.runs_on(inst, made.node, seen):
        raise Conflict(f"{inst.name} runs on {made.node.name} already, which is not its home",
                       hint=f"gnt-instance migrate --cleanup {inst.name}")
    return made


def _relocated(
    cfg: Config, inst: Instance, seen: Seen, memory: int, *, explain: bool,
) -> _place.Choice:
    """The node that the cluster's balance says; ``memory``: the least that it can do with."""
    from gnt.htools import place
    from gnt.htools.allocate import NoRoom

    able, asked = needs(cfg, inst), candidates(cfg, inst, "")
    barred = {node.name: why for node in asked
              if (why := able[node.group].problem(cfg, node, seen))}
    allowed = [node.name for node in asked if node.name not in barred]
    world = Survey(cfg).world(seen)
    try:
        try:
            made = place.relocate(world, inst.name, allowed)
        except NoRoom:
            made = place.relocate(_smaller(world, inst, memory), inst.name, allowed)
    except NoRoom as error:
        whys = {**dict(error.rejected), **barred}
        raise NoCapacity(
            f"no node has room for {inst.name} ({memory} MiB of memory): "
            f"{place.said(tuple(whys.items())) or 'there is no other node'}",
            hint="gnt-node list") from None
    whys = {**dict(made.rejected), **barred}
    notes = (f"not {name}: {whys.get(name) or 'the balance of the cluster would be worse'}"
             for name in (node.name for node in asked) if name != made.nodes[0])
    return _place.Choice(node=cfg.node(made.nodes[0]), notes=tuple(notes) if explain else ())


def _smaller(world: World, inst: Instance, memory: int) -> World:
    """The same where the instance is content with so much memory."""
    return world.replace(instances=tuple(
        i.replace(mem=min(i.mem, memory)) if i.name == inst.name else i for i in world.instances))


def notes(cfg: Config, inst: Instance, target: Node, seen: Seen) -> tuple[str, ...]:
    """What a person should know of the node to move to."""
    return needs(cfg, inst)[target.group].notes(target, seen)


def enforce(cfg: Config, inst: Instance, target: Node) -> None:
    """Raise PolicyViolation when another group, to which it would move, does not allow it."""
    if _life.home(cfg, inst).group != target.group:
        _wish.specification(cfg, inst).enforce(cfg, cfg.one(Group, target.group))


def require_same_version(
    cfg: Config, inst: Instance, source: Node, target: Node, seen: Seen,
) -> None:
    """Raise Conflict when the hypervisors differ."""
    able = needs(cfg, inst)
    here, there = (seen[able[node.group].capable(node)].version for node in (source, target))
    if here != there:
        raise Conflict(
            f"{inst.hypervisor} is {here} on {source.name} and {there} on {target.name}",
            hint="--ignore-hvversions if you know that both understand one another")


def settle_home(cfg: Config, inst: Instance, target: Node, **changes: Any) -> tuple[Edit, ...]:
    """The edits that make ``target`` the instance's home, also for disks that follow it."""
    source = inst.primary_node
    disks = [disk for disk in cfg.disks(inst)
             if source in disk.nodes and not _disks.mirrored(inst)]
    return (
        change(inst, primary_node=target.uuid, **changes),
        *(change(disk, nodes=tuple(target.uuid if uuid == source else uuid for uuid in disk.nodes))
          for disk in disks),
    )
