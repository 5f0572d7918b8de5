"""Better balancing plans than single moves give: a search for a placement, then an order for it.

The placement is found by annealing (moves and exchanges, strict checks throughout), beginning
where the greedy descent ends; what counts is the score, then GiB copied, then the number of moves,
weighed as ``prefer`` says.  The order makes every step an ordinary, strictly checked move: where
the direct one is not possible yet, others go first; what cannot be ordered stays where it is.
"""

from __future__ import annotations

from gnt.htools import arrays, balance
from gnt.htools.moves import FA, FR, FRF, RF, F, Move, R, after, follow
from gnt.htools.world import MIRROR, MIRROR_INTERNAL
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.balance import Rules
    from gnt.htools.world import World
    from gnt.htools_ext.state import State

PRICES = {  # (of a move, of a GiB), in score; hot and cold follow from them
    "moves": (1.5e-2, 0.0), "data": (1e-4, 1e-4), "score": (1e-3, 0.0),
}
TRIES = 5_000_000


class Effort(Record):
    """How hard to look; the same effort and seed give the same plan."""

    tries: int = TRIES
    seed: int = 1
    prefer: str = "moves"
    max_gib: float = 1e18
    max_moves: int = -1


class Found(Record):
    """A plan, the state it ends in, and what it costs."""

    moves: tuple[Move, ...]
    state: State
    gib: float
    stuck: int  # instances that could not be brought to where the search wanted them


def plan(world: World, rules: Rules, effort: Effort) -> Found:
    """The better of the searched plan and the greedy one."""
    greedy = arrays.state(world)
    base = balance.fast(world, greedy, rules)
    first = Found(moves=tuple(base), state=greedy, gib=copied(world, base), stuck=0)
    goal = search(world, greedy, effort)
    found = polished(world, order(world, goal), rules, effort)
    fits = found.gib <= effort.max_gib and (
        effort.max_moves < 0 or len(found.moves) <= effort.max_moves)
    allowed = first.gib <= effort.max_gib and (
        effort.max_moves < 0 or len(first.moves) <= effort.max_moves)
    if fits and (not allowed or found.state.score() < greedy.score()):
        return found
    return first if allowed else Found(moves=(), state=arrays.state(world), gib=0.0, stuck=0)


def polished(world: World, found: Found, rules: Rules, effort: Effort) -> Found:
    """What could not be ordered leaves something to gain by single moves."""
    if not found.stuck:
        return found
    from gnt.htools_ext.lazy import Descent

    room = -1 if effort.max_moves < 0 else max(0, effort.max_moves - len(found.moves))
    here = world.placed(found.state.places())
    steps = Descent(found.state, **rules.kernel()).run(
        room, rules.min_gain_limit, rules.min_gain)
    moves = (*found.moves, *follow(here, steps))
    return found.replace(moves=moves, gib=copied(world, moves))


def search(world: World, start: State, effort: Effort) -> list[tuple[int, int]]:
    """The placement to aim for."""
    from gnt.htools_ext.search import Search

    homes = [(i.pri, i.sec) for i in world.instances]
    price_move, price_gib = PRICES[effort.prefer]
    state = start.copy()
    Search(state, homes, effort.seed).run(
        effort.tries, max(price_move / 8, 1e-3), 1e-4, price_move=price_move, price_gib=price_gib,
        most_gib=effort.max_gib,
        most_moves=effort.max_moves if effort.max_moves >= 0 else 1e18)
    return state.places()


def copied(world: World, moves: list[Move] | tuple[Move, ...]) -> float:
    """GiB copied by moves."""
    return sum(world.instances[m.inst].dsk for m in moves if m.copies) / 1024


def routes(now: tuple[int, int], goal: tuple[int, int]) -> list[tuple[int, int]]:
    """First steps (move, target) towards a goal for a mirrored instance, the shortest first."""
    (a, b), (p, s) = now, goal
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


def order(world: World, goals: list[tuple[int, int]]) -> Found:
    """A sequence of strict moves that leads to the goals as far as possible."""
    state = arrays.state(world)
    made: list[Move] = []
    waiting = [i for i, goal in enumerate(goals) if state.place_of(i) != goal]
    progress = True
    while waiting and progress:
        progress = False
        for i in list(waiting):
            if step(world, state, i, goals[i], made):
                progress = True
            if state.place_of(i) == goals[i]:
                waiting.remove(i)
    return Found(moves=tuple(made), state=state, gib=copied(world, made), stuck=len(waiting))


def step(world: World, state: State, i: int, goal: tuple[int, int], made: list[Move]) -> bool:
    """One step of one instance, if one is possible now."""
    before = state.place_of(i)
    mirrored = MIRROR[world.instances[i].template] == MIRROR_INTERNAL
    for kind, target in routes(before, goal) if mirrored else [(FA, goal[0])]:
        if target in before or state.move(i, kind, target) >= 0:
            continue
        made.append(Move(inst=i, kind=kind, target=target, before=before, score=state.score(),
                         after=after(kind, target, *before)))
        return True
    return False
