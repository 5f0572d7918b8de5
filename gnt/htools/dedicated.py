"""Where to put new instances on nodes with exclusive storage: hail's rules for dedicated clusters.

What counts is what could no longer be placed afterwards: of each of the policy's ranges, the
smallest instance, those with the largest disks first.  Then the disk left on the nodes.
"""

from __future__ import annotations

from gnt.htools import policy
from gnt.htools.allocate import (
    FAILURES,
    NoRoom,
    Solution,
    describe,
    enough_nodes,
    no_answer,
    require_networks,
)
from gnt.htools.world import ALLOC_POLICIES, PLAIN, Instance
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.allocate import Ground
    from gnt.htools.world import Policy, World

    Metric = tuple[list[int], int]


class Found(Record):
    """A group's best place and its metric; ``message`` is what is said of it."""

    group: int
    solution: Solution
    metric: Metric | None
    message: str


def dedicated(world: World, group: str | None) -> bool:
    """Whether all nodes of the group (of all groups that take instances) have such storage."""
    wanted = {k for k, g in enumerate(world.groups)
              if (g.name == group if group is not None else g.allocable)}
    return all(n.exclusive_storage or n.group not in wanted for n in world.nodes)


def tests(limits: Policy) -> list[Instance]:
    """The smallest instance of each range."""
    lows = sorted((low for low, _ in limits.minmax), key=lambda s: -s.disk_size)
    return [Instance(name="minimum", mem=s.memory, dsk=s.disk_size, vcpus=s.cpus, status="running",
                     pri=-1, template=PLAIN, auto_balance=False, spindle_use=s.spindle_use)
            for s in lows]


def in_group(ground: Ground, group: int, inst: Instance, pairs: bool) -> Found:
    """The group's best place; raises NoRoom when it cannot be looked for."""
    world = ground.world
    grp = world.groups[group]
    require_networks(world, group, inst)
    nodes = enough_nodes(ground, group, pairs)
    row, refused = ground.rows.row(inst), policy.by_node(world, inst)
    kinds = [ground.rows.row(test) for test in tests(grp.policy)]
    failures, fits = [0] * len(FAILURES), 0
    best: tuple[Metric, tuple[int, int]] | None = None
    for p in nodes:
        for s in [s for s in nodes if s != p] if pairs else [-1]:
            cost = refused[p] if refused[p] >= 0 else ground.allocator.lost(
                row, p, s, kinds, ground.options.force)
            if isinstance(cost, int):
                failures[cost] += 1
                continue
            fits += 1
            if best is None or cost <= best[0]:
                best = cost, (p, s)
    solution = describe(world, best and best[1], best and shown(best[0]), fits, tuple(failures))
    return Found(group=group, solution=solution, metric=best and best[0],
                 message=f"Group {grp.name} ({grp.alloc_policy}): {solution.log}")


def shown(metric: Metric) -> str:
    lost, left = metric
    return f"([{','.join(map(str, lost))}],{left})"


def allocate(ground: Ground, inst: Instance, pairs: bool, group: str | None, *, brief: bool = False,
             ) -> tuple[Solution, str]:
    """One instance anywhere, or in a named group; the place is not taken yet."""
    world = ground.world
    if group is not None:
        at = world.group_index(group)
        if at is None:
            raise NoRoom(f"there is no group {group!r}")
        found = in_group(ground, at, inst, pairs)
        return found.solution, found.solution.log if brief else found.message
    made, messages = [], []
    for g in sorted({n.group for n in world.nodes}):
        try:
            made.append(in_group(ground, g, inst, pairs))
            messages.append(made[-1].message)
        except NoRoom as error:
            messages.append(no_answer(world, g, error))
    good = [f for f in reversed(made) if f.metric is not None and world.groups[f.group].allocable]
    if not good:
        raise NoRoom(", ".join(messages))
    best = min(good, key=lambda f: (
        ALLOC_POLICIES.index(world.groups[f.group].alloc_policy), f.metric))
    return best.solution, ", ".join([f"Selected group: {world.groups[best.group].name}", *messages])
