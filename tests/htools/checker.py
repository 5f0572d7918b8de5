"""Checks a plan step by step, from nothing but the cluster's data: no kernel, search or orderer.

Compound moves are taken apart into the migrations and copies that they are made of, and every one
of these must be possible and leave each node at least as well as it was.
"""

from __future__ import annotations

from gnt.htools.arrays import ALLOW, MIGRATION, exclusion_tags, suffixes
from gnt.htools.world import LOCAL, MIRROR, MIRROR_EXTERNAL, MIRROR_INTERNAL, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import Instance, Node

F, R, RF, FRF, FR, FA = range(6)
PARTS = {F: "f", R: "r", RF: "rf", FRF: "frf", FR: "fr", FA: "a"}


class Books:
    """What every node has, counted anew from the data after each step."""

    def __init__(self, world: World, places: Sequence[tuple[int, int]]) -> None:
        self.world, self.places = world, list(places)
        here = list(enumerate(world.instances))
        self.missing = []  # MiB of memory and disk that nobody known uses
        for k, n in enumerate(world.nodes):
            mem = sum(i.mem for j, i in here if places[j][0] == k and counts(i))
            self.missing.append(max(0, int(n.t_mem) - n.n_mem - n.f_mem - mem))
        self.start = list(places)

    def of(self, k: int) -> dict[str, float]:
        """How far the node is from each limit; below zero it is broken."""
        n, policy = self.world.nodes[k], self.world.policy_of(self.world.nodes[k])
        real = [(j, i) for j, i in enumerate(self.world.instances) if not i.forthcoming]
        pri = [i for j, i in real if self.places[j][0] == k]
        sec = [(j, i) for j, i in real if self.places[j][1] == k]
        both = [*pri, *(i for _, i in sec)]
        free = int(n.t_mem) - n.n_mem - self.missing[k] - sum(i.mem for i in pri if i.uses_memory)
        tags = [t for i in pri for t in exclusion_tags(self.world, i)]
        ratio = policy.vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio
        cpus = n.n_cpu + sum(i.vcpus for i in pri if not i.offline)
        found = {
            "memory": free - 1, "N+1": free - self.reserve(sec) - 1,
            "vCPUs": ratio * n.t_cpu - cpus, "tags": float(len(set(tags)) - len(tags)),
            "disk": self.disk(k, n, both) - max(1, int(n.min_disk * n.t_dsk)),
        }
        if not n.exclusive_storage:
            used = sum(i.spindle_use for i in both if i.template in LOCAL)
            found["spindles"] = policy.spindle_ratio * n.spindles - used
        return found

    def reserve(self, sec: list[tuple[int, Instance]]) -> int:
        by: dict[int, int] = {}
        for j, i in sec:
            if i.auto_balance and not i.offline:
                by[self.places[j][0]] = by.get(self.places[j][0], 0) + i.mem
        return max(by.values(), default=0)

    def disk(self, k: int, n: Node, both: list[Instance]) -> float:
        """What nodes say they have, and what came and went since."""
        then = [i for j, i in enumerate(self.world.instances)
                if k in self.start[j] and not i.forthcoming]
        return n.f_dsk + sum(i.dsk for i in then if i.template in LOCAL) - sum(
            i.dsk for i in both if i.template in LOCAL)


def counts(i: Instance) -> bool:
    return i.uses_memory and not i.forthcoming


def may_migrate(world: World, a: int, b: int) -> bool:
    prefixes = tuple(s + ":" for s in suffixes(world.tags, MIGRATION))
    if not prefixes:
        return True
    own = [{t for t in world.nodes[k].tags if t.startswith(prefixes)} for k in (a, b)]
    taken = set(own[1])
    for pair in suffixes(world.tags, ALLOW):
        old, _, new = pair.partition("::")
        taken |= {old} if new in own[1] else set()
    return own[0] <= taken


def steps(move: Move, place: tuple[int, int]) -> Iterator[tuple[str, tuple[int, int]]]:
    """(migration or copy, the place after it), one after the other."""
    for part in PARTS[move.kind]:
        pri, sec = place
        place = {"f": (sec, pri), "r": (pri, move.target), "a": (move.target, sec)}[part]
        yield "copy" if part == "r" else "migration", place


def check(world: World, moves: Sequence[Move]) -> tuple[list[tuple[int, int]], float]:
    """Where the plan ends and the GiB it copies; AssertionError where a step is none."""
    books = Books(world, [(i.pri, i.sec) for i in world.instances])
    gib = 0.0
    for number, move in enumerate(moves):
        inst, place = world.instances[move.inst], books.places[move.inst]
        assert place == move.before, number
        movable(inst, move)
        for kind, goal in steps(move, place):
            one(world, books, move.inst, kind, goal, number)
            gib += inst.dsk / 1024 if kind == "copy" else 0
        assert books.places[move.inst] == move.after, number
    return books.places, gib


def movable(inst: Instance, move: Move) -> None:
    assert inst.movable and inst.auto_balance, inst.name
    mirror = MIRROR[inst.template]
    assert (mirror == MIRROR_EXTERNAL) if move.kind == FA else (mirror == MIRROR_INTERNAL)


def one(world: World, books: Books, k: int, kind: str, goal: tuple[int, int], number: int) -> None:
    """One migration or copy."""
    here = books.places[k]
    touched = sorted({*here, *goal} - {-1})
    was = {n: books.of(n) for n in touched}
    assert goal[0] != goal[1]
    groups = {world.nodes[n].group for n in touched}
    assert len(groups) == 1, "between groups"
    if kind == "migration":
        assert may_migrate(world, here[0], goal[0]), (number, "migration tags")
    books.places[k] = goal
    for n in touched:
        node = world.nodes[n]
        came = n in goal and n not in here
        assert not (node.offline and came), (number, "to an offline node")
        if node.offline:
            continue
        for rule, room in books.of(n).items():
            assert room >= min(0, was[n][rule]), (number, node.name, rule, was[n][rule], room)
