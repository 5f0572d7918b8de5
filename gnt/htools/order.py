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
        return [(R, s), (F, -1)]
    if b == p:
        return [(FR, s), (F, -1)] if a != s else [(F, -1)]
    if a == s:
        return [(RF, p), (F, -1)]
    if b == s:
        return [(FRF, p), (F, -1)]
    return [(RF, p), (R, p), (FR, s), (R, s)]


class Orderer:
    """One attempt to reach the goals."""

    def __init__(self, world: World, goals: Sequence[Place], detours: int) -> None:
        self.world, self.goals, self.detours = world, goals, detours
        self.state = arrays.state(world)
        self.made: list[Move] = []
        self.mirrored = [MIRROR[i.template] == MIRROR_INTERNAL for i in world.instances]
        self.waiting = [i for i, g in enumerate(goals) if self.state.place_of(i) != g]
        self.seen: set[tuple[tuple[int, int, int], ...]] = set()  # what waited where when a detour was made

    def run(self) -> Ordered:
        self.direct()
        while self.waiting and self.detours > 0 and self.detour():
            self.detours -= 1
            self.direct()
        return Ordered(moves=tuple(self.made), state=self.state, stuck=len(self.waiting))

    def direct(self) -> None:
        """Everything that can go straight to its goal, goes."""
        progress = True
        while self.waiting and progress:
            progress = False
            for i in list(self.waiting):
                progress = self.step(i) or progress

    def step(self, i: int) -> bool:
        """One step of one instance towards its goal, if one is possible now."""
        now, goal = self.state.place_of(i), self.goals[i]
        for kind, target in self.shortest(now, goal, self.mirrored[i]):
            if self.move(i, kind, target):
                if self.state.place_of(i) == goal:
                    self.waiting.remove(i)
                return True
        return False

    def shortest(self, now: Place, goal: Place, mirrored: bool) -> list[tuple[int, int]]:
        """Without the steps that only turn an instance: they would never end."""
        steps = routes(now, goal, mirrored)
        return steps[:1] if steps[-1][0] == F else steps

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
        if self.mirrored[k]:
            yield F, -1
        for kind in (R, FR, RF, FRF) if self.mirrored[k] else (FA,):
            for target in targets:
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


def order(world: World, goals: Sequence[Place], detours: int = 40) -> Ordered:
    """A sequence of strict moves that leads to the goals as far as possible."""
    return Orderer(world, goals, detours).run()
