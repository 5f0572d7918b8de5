"""From a placement to the moves that lead there, each an ordinary, strictly checked one.

Instances whose next move is possible go first, until nothing is left or nothing can go.  On full
clusters instances then wait for each other in circles: one of them (or one that is in their way)
makes a detour over a node that has room, and all try again.  What still cannot go stays.
"""

from __future__ import annotations

from gnt.htools import arrays
from gnt.htools.moves import FA, FR, FRF, RF, F, Move, R, after
from gnt.htools.world import MIRROR, MIRROR_INTERNAL
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.htools.world import World
    from gnt.htools_ext.state import State

    Place = tuple[int, int]


class Ordered(Record):
    """Moves, the state they end in, and how many instances did not get to their goals."""

    moves: tuple[Move, ...]
    state: State
    stuck: int


def routes(now: Place, goal: Place, mirrored: bool) -> list[tuple[int, int]]:
    """First steps (move, target) towards a goal, the shortest way first."""
    (a, b), (p, s) = now, goal
    if not mirrored:
        return [(FA, p)]
    if (a, b) == (s, p):
        return [(F, -1)]
    if a == p:
        return [(R, s)]
    if b == p:
        return [(FR, s)]
    if a == s:
        return [(RF, p)]
    if b == s:
        return [(FRF, p)]
    return [(RF, p), (R, p), (FR, s), (R, s)]


def begun(kind: int, target: int) -> tuple[int, int]:
    """The first of the single steps that a move is made of."""
    return (R, target) if kind == RF else (F, -1)


class Orderer:
    """One attempt to reach the goals."""

    def __init__(
        self, world: World, goals: Sequence[Place], detours: int, kinds: frozenset[int],
    ) -> None:
        self.world, self.goals, self.detours, self.kinds = world, goals, detours, kinds
        self.state = arrays.state(world)
        self.made: list[Move] = []
        self.mirrored = [MIRROR[i.template] == MIRROR_INTERNAL for i in world.instances]
        self.waiting = [i for i, g in enumerate(goals) if self.state.place_of(i) != g]
        self.visited: dict[int, set[Place]] = {}  # places since the last detour
        # what waited where when a detour was made
        self.seen: set[tuple[tuple[int, int, int], ...]] = set()

    def run(self) -> Ordered:
        self.direct()
        while self.waiting and self.detours > 0 and self.detour():
            self.detours -= 1
            self.direct()
        return Ordered(moves=tuple(self.made), state=self.state, stuck=len(self.waiting))

    def direct(self) -> None:
        """Everything that can go straight to its goal, goes, and nothing comes by a place twice."""
        progress = True
        self.visited = {i: {self.state.place_of(i)} for i in self.waiting}
        while self.waiting and progress:
            progress = False
            for i in list(self.waiting):
                progress = self.step(i) or progress

    def step(self, i: int) -> bool:
        """One step of one instance towards its goal, if one is possible now."""
        now, goal = self.state.place_of(i), self.goals[i]
        for way in routes(now, goal, self.mirrored[i]):
            kind, target = way if way[0] in self.kinds else begun(*way)
            there = after(kind, target, *now)
            if there not in self.visited.get(i, ()) and self.move(i, kind, target):
                self.visited.setdefault(i, set()).add(there)
                if there == goal:
                    self.waiting.remove(i)
                return True
        return False

    def move(self, i: int, kind: int, target: int) -> bool:
        before = self.state.place_of(i)
        if target in before or self.state.move(i, kind, target) >= 0:
            return False
        self.made.append(Move(inst=i, kind=kind, target=target, before=before,
                              score=self.state.score(), after=after(kind, target, *before)))
        return True

    def detour(self) -> bool:
        """Make one move after which another that waits can go."""
        key = tuple((i, *self.state.place_of(i)) for i in self.waiting)
        if key in self.seen:
            return False
        self.seen.add(key)
        return any(self.helps(k, *way) for k in self.in_the_way() for way in self.ways(k))

    def in_the_way(self) -> list[int]:
        """Who could make room: those that wait, then the neighbours on the nodes they want."""
        wanted = {n for i in self.waiting for n in self.goals[i]} - {-1}
        waiting = set(self.waiting)
        others = [i for i, inst in enumerate(self.world.instances)
                  if i not in waiting and inst.movable and inst.auto_balance
                  and not inst.forthcoming and wanted & set(self.state.place_of(i))]
        return [*self.waiting, *sorted(others, key=lambda i: self.world.instances[i].dsk)]

    def ways(self, k: int) -> Iterator[tuple[int, int]]:
        """The moves an instance could make, those without a copy first."""
        wanted = {n for i in self.waiting for n in self.goals[i]}
        targets = [n for n in range(len(self.world.nodes)) if n not in wanted]
        for kind in (F, R, FR, RF, FRF) if self.mirrored[k] else (FA,):
            if kind in self.kinds:
                for target in targets if kind != F else [-1]:
                    yield kind, target

    def helps(self, k: int, kind: int, target: int) -> bool:
        """Make a move if it lets another that waits go on; else nothing happens."""
        kept = self.state, list(self.made), list(self.waiting)
        self.state = self.state.copy()
        if self.move(k, kind, target):
            if k not in self.waiting:
                self.waiting.append(k)
            if any(self.step(i) for i in list(self.waiting) if i != k):
                return True
        self.state, self.made, self.waiting = kept
        return False


EVERY = frozenset((F, R, RF, FRF, FR, FA))


def order(
    world: World, goals: Sequence[Place], detours: int = 40, kinds: frozenset[int] = EVERY,
) -> Ordered:
    """A sequence of strict moves that leads to the goals as far as possible.

    ``kinds``: the moves that are allowed.
    """
    return Orderer(world, goals, detours, kinds).run()
