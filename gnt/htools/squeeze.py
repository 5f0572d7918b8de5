"""Fewer nodes when there is little to do, more when there is much: hsqueeze's rules."""

from __future__ import annotations

from math import floor

from gnt.htools import arrays, balance
from gnt.htools.arrays import STANDBY
from gnt.htools.balance import Rules
from gnt.htools.world import LOCAL, Instance, Node, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.moves import Move
    from gnt.htools_ext.state import State

RULES = Rules(min_gain=0.0, min_gain_limit=0.0, min_score=-1e300)


def spare(world: World, factor: float) -> Instance:
    """An instance of so many times the standard size, on shared storage."""
    std = world.policy.std
    return Instance(
        name="target", mem=floor(factor * std.memory), dsk=0, vcpus=floor(factor * std.cpus),
        status="running", pri=-1, template="ext", auto_balance=False,
        spindle_use=floor(factor * std.spindle_use))


def has_room(world: World, state: State, inst: Instance) -> bool:
    """Every node could take one more such instance."""
    from gnt.htools_ext.allocate import Allocator

    return not any(why >= 0 for why in Allocator(state).refusals(arrays.Rows(world).row(inst)))


def switched(
    world: World, nodes: list[int], offline: bool, start: State | None = None,
) -> tuple[State, list[Move]]:
    """The state after nodes were switched and the cluster balanced, and the moves.

    ``start``: the world's state, for those who need it more than once; it stays as it is.
    """
    state = arrays.state(world) if start is None else start.copy()
    for n in nodes:
        state.set_offline(n, offline)
    moves = list(balance.exact(world, state, RULES))
    return state, moves


def works(world: World, nodes: list[int], offline: bool, inst: Instance, start: State) -> bool:
    """After that all instances are on online nodes, and every node has room."""
    state, _ = switched(world, nodes, offline, start)
    on = all(not state.node(p)["offline"] for p, _ in state.places())
    return on and has_room(world, state, inst)


def supposed(world: World) -> World:
    """Standby nodes say nothing of themselves: each is thought to be like the smallest online
    node of its group, and empty.  Without that nothing would have room on them, and they would be
    switched on for it."""
    like = {}
    for n in sorted((n for n in world.nodes if not n.offline), key=lambda n: -n.t_mem):
        like[n.group] = n
    return world.replace(nodes=tuple(
        n.replace(t_mem=like[n.group].t_mem, n_mem=like[n.group].n_mem,
                  f_mem=int(like[n.group].t_mem) - like[n.group].n_mem,
                  t_dsk=like[n.group].t_dsk, f_dsk=int(like[n.group].t_dsk),
                  t_cpu=like[n.group].t_cpu)
        if n.offline and not n.t_mem and n.group in like and _on_standby(n) else n
        for n in world.nodes))


def _on_standby(node: Node) -> bool:
    return any(t.startswith(STANDBY) for t in node.tags)


def off_candidates(world: World) -> list[int]:
    """Online nodes with nothing but instances on shared storage; fullest first."""
    primaries = [0] * len(world.nodes)
    bound: set[int] = set()
    for i in world.instances:
        if i.forthcoming:
            continue
        primaries[i.pri] += 1
        if i.template in LOCAL:
            bound.add(i.pri)
        if i.sec >= 0:
            bound.add(i.sec)
    found = [k for k, n in enumerate(world.nodes)
             if not n.offline and not n.master and k not in bound]
    return sorted(found, key=lambda k: -primaries[k])


def on_candidates(world: World) -> list[int]:
    return [k for k, n in enumerate(world.nodes) if n.offline and _on_standby(n)]


def to_switch_off(world: World, target: Instance) -> list[int]:
    """Greedily, beginning with the emptiest."""
    chosen: list[int] = []
    start = arrays.state(world)
    for n in reversed(off_candidates(world)):
        if works(world, [n, *chosen], True, target, start):
            chosen.insert(0, n)
    return chosen


def to_switch_on(world: World, least: Instance) -> tuple[list[int], bool]:
    """The first standby nodes that suffice; all, and False, if none do."""
    waiting = on_candidates(world)
    start = arrays.state(world)
    for count in range(len(waiting) + 1):
        if works(world, waiting[:count], False, least, start):
            return waiting[:count], True
    return waiting, False
