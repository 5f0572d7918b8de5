"""Getting instances off nodes, or into other groups: hail's rules."""

from __future__ import annotations

from gnt.htools import opcodes
from gnt.htools.allocate import FAILURES, Ground, NoRoom, best_group
from gnt.htools.moves import FA, F, R
from gnt.htools.world import DISKLESS, FILE, PLAIN
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gnt.htools.world import Instance

PRIMARY, SECONDARY, ALL = "primary-only", "secondary-only", "all"
STAGES = ("Failing over to the secondary", "Changing secondary to new primary",
          "Failing over to new primary", "Changing secondary to final secondary")


class Moved(Record):
    inst: int
    group: int
    nodes: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]  # (move, target)


class Evacuation(Record):
    """What was moved (already in the ground's state) and what could not be."""

    moved: tuple[Moved, ...]
    failed: tuple[tuple[int, str], ...]


class _Impossible(Exception):
    """Why one instance stays."""


def nodes_of(inst: Instance, place: tuple[int, int]) -> tuple[int, ...]:
    return place if inst.mirrored else place[:1]


def one_node(ground: Ground, i: int, kind: int, targets: list[int], group: int,
             force: bool) -> list[tuple[int, int]]:
    """Change the one node that ``kind`` changes."""
    from gnt.htools_ext.evacuate import best_move

    target, _, refused = best_move(ground.state, i, kind, targets, group, force)
    if target < 0:
        why = "".join(f" Node {ground.world.nodes[t].name} failed: {FAILURES[f]};"
                      for t, f in refused)
        raise _Impossible(f"Can't find any good node: {why}")
    return [(kind, target)]


def both_nodes(ground: Ground, i: int, targets: list[int], group: int,
               force: bool) -> list[tuple[int, int]]:
    from gnt.htools_ext.evacuate import best_pair

    pri, sec, score = best_pair(ground.state, i, targets, group, force)
    start = "Can't find any good nodes for relocation: "
    if pri < 0 and len(targets) < 2:
        raise _Impossible(start + "no nodes available")
    if pri < 0:
        raise _Impossible(f"{start}Allocation failed: {STAGES[sec]}: {FAILURES[int(score)]}")
    down = ground.state.node(ground.state.place_of(i)[0])["offline"]
    return [*([(F, -1)] if down else []), (R, pri), (F, -1), (R, sec)]


def steps_for(ground: Ground, i: int, mode: str, targets: list[int], group: int,
              force: bool) -> list[tuple[int, int]]:
    """The moves that take one instance off; raises _Impossible."""
    inst = ground.instances[i]
    if inst.template in (PLAIN, FILE):
        raise _Impossible(f"Instances of type {inst.template} cannot be relocated")
    if not inst.mirrored:
        if mode == SECONDARY:
            raise _Impossible(f"Instances with disk template '{inst.template}' can't execute "
                              "change secondary")
        return one_node(ground, i, FA, targets, group, force)
    if mode == PRIMARY:
        return [(F, -1)]
    if mode == SECONDARY:
        return one_node(ground, i, R, targets, group, force)
    return both_nodes(ground, i, targets, group, force)


def perform(ground: Ground, i: int, steps: Sequence[tuple[int, int]], force: bool) -> Moved:
    for kind, target in steps:
        why = ground.state.move(i, kind, target, force)
        if why >= 0:
            raise _Impossible(FAILURES[why])
    place = ground.state.place_of(i)
    ground.instances[i] = ground.instances[i].replace(pri=place[0], sec=place[1])
    return Moved(inst=i, group=ground.world.nodes[place[0]].group,
                 nodes=nodes_of(ground.instances[i], place), steps=tuple(steps))


def evacuate(ground: Ground, instances: Sequence[int], mode: str) -> Evacuation:
    """Take instances off their present nodes, within their groups."""
    leaving: set[int] = set()
    for i in instances:
        inst = ground.instances[i]
        if mode != SECONDARY:
            leaving.add(inst.pri)
        if mode != PRIMARY and inst.mirrored:
            leaving.add(inst.sec)
    moved, failed = [], []
    for i in instances:
        pri = ground.instances[i].pri
        group = ground.world.nodes[pri].group
        targets = [
            k for k, n in enumerate(ground.world.nodes)
            if n.group == group and k not in leaving and k != pri
            and not ground.state.node(k)["offline"]
        ]
        try:
            steps = steps_for(ground, i, mode, targets, group, ground.options.force)
            moved.append(perform(ground, i, steps, ground.options.force))
        except _Impossible as error:
            failed.append((i, str(error)))
    return Evacuation(moved=tuple(moved), failed=tuple(failed))


def change_group(ground: Ground, instances: Sequence[int], groups: Sequence[int]) -> Evacuation:
    """Move instances to other groups; without ``groups`` to any they are not in."""
    world = ground.world
    sources = {world.nodes[ground.instances[i].pri].group for i in instances}
    allowed = [g for g in (groups or range(len(world.groups))) if g not in sources]
    moved, failed = [], []
    for i in instances:
        inst = ground.instances[i]
        try:
            choice, _ = best_group(ground, inst, inst.mirrored, allowed)
            targets = [k for k, n in enumerate(world.nodes)
                       if n.group == choice.group and not ground.state.node(k)["offline"]]
            steps = steps_for(ground, i, ALL, targets, choice.group, False)
            moved.append(perform(ground, i, steps, False))
        except (_Impossible, NoRoom) as error:
            failed.append((i, str(error)))
    return Evacuation(moved=tuple(moved), failed=tuple(failed))


def jobs(ground: Ground, done: Evacuation) -> list[list[dict[str, Any]]]:
    """One job of opcodes per moved instance."""
    made = []
    for m in done.moved:
        name = ground.instances[m.inst].name
        job = []
        for kind, target in m.steps:
            node = ground.world.nodes[target].name if target >= 0 else ""
            if kind == R and template_drbd(ground, m):
                job.append(opcodes.replace_disks(name, node))
                continue
            coming = ground.instances[m.inst].forthcoming
            job.append((opcodes.failover if coming else opcodes.migrate)(name, node))
        made.append(job)
    return made


def template_drbd(ground: Ground, moved: Moved) -> bool:
    template = ground.instances[moved.inst].template
    return template not in (DISKLESS, PLAIN, FILE) and len(moved.nodes) == 2
