"""Better balancing plans than single moves give: a search for a placement, then an order for it.

The placement is found by annealing (:mod:`gnt.htools_ext.search`), beginning where the greedy
descent ends.  What is looked for is said by ``prefer``:

    moves   the best score with no more moves than the greedy descent makes (or than allowed)
    data    at least the greedy descent's score, copying as little as possible
    score   the best score, whatever it takes

Where that is equal, fewer GiB are better, then fewer moves.  Every move of the plan is an ordinary
one that keeps N+1 and policy (:mod:`gnt.htools.order`).
"""

from __future__ import annotations

from gnt.htools import arrays, balance
from gnt.htools.moves import FA, F, Move, R, follow
from gnt.htools.order import EVERY, order
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.balance import Rules
    from gnt.htools.world import World
    from gnt.htools_ext.state import State

TRIES_PER_INSTANCE, LEAST_TRIES, MOST_TRIES = 40_000, 1_000_000, 200_000_000
PRICE_GIB, PRICE_MOVE = 1e-7, 1e-5  # in score: they only decide between equals
EXACT = 100  # nodes up to which the reference's own descent is what plans are compared with
ROUNDS = 4  # searches at most, each with less room, until the ordered plan fits


class Effort(Record):
    """How hard to look; the same effort and seed give the same plan, unless time runs out."""

    tries: int = 0  # 0: as the number of instances demands
    seed: int = 1
    prefer: str = "moves"
    max_gib: float = 1e18
    max_moves: int = -1
    seconds: float = 0.0  # 0: as long as it takes


class Found(Record):
    """A plan, the state it ends in, and what it costs."""

    moves: tuple[Move, ...]
    state: State
    gib: float
    stuck: int = 0  # instances that could not be brought to where the search wanted them
    greedy: tuple[int, float, float] = (0, 0.0, 0.0)  # moves, GiB and score of single moves

    def fits(self, effort: Effort) -> bool:
        return self.gib <= effort.max_gib and (
            effort.max_moves < 0 or len(self.moves) <= effort.max_moves)


def plan(world: World, rules: Rules, effort: Effort) -> Found:
    """The best of the searched plans and the greedy one; nothing if none keeps the caps."""
    first = greedy(world, rules)
    best = first if first.fits(effort) else Found(moves=(), state=arrays.state(world), gib=0.0)
    goal = first.state.score()
    if effort.prefer == "moves" and effort.max_moves < 0:
        effort = effort.replace(max_moves=len(first.moves))
    for found in attempts(world, first, rules, effort):
        if found.fits(effort) and better(found, best, goal, effort):
            best = found
    return best.replace(greedy=(len(first.moves), first.gib, goal))


def greedy(world: World, rules: Rules) -> Found:
    """What the plans have to beat."""
    state = arrays.state(world)
    if len(world.nodes) <= EXACT:
        moves = list(balance.exact(world, state, rules))
    else:
        moves = balance.fast(world, state, rules)
    return Found(moves=tuple(moves), state=state, gib=copied(world, moves))


def better(found: Found, best: Found, goal: float, effort: Effort) -> bool:
    """Is a plan better than another, as ``prefer`` understands it?"""
    def cost(f: Found) -> tuple[float, ...]:
        score = f.state.score()
        if effort.prefer == "data":
            return (max(score - goal, 0.0) > 1e-9, f.gib, score, len(f.moves))
        return score, f.gib, len(f.moves)

    return cost(found) < cost(best)


def attempts(world: World, first: Found, rules: Rules, effort: Effort) -> list[Found]:
    """Plans of searches that leave ever more room for detours, until one needs no more."""
    made: list[Found] = []
    inner = effort
    start = first.state.places()
    for turn in range(ROUNDS):
        goals = search(world, start, rules, inner, first.state.score())
        done = order(world, goals, kinds=allowed(rules))
        found = finished(world, Found(
            moves=done.moves, state=done.state, gib=copied(world, done.moves),
            stuck=done.stuck), rules, effort)
        made.append(found)
        if found.stuck == 0 and found.fits(effort):
            break
        over = len(found.moves) - effort.max_moves
        room = max(0, inner.max_moves - max(over, 1)) if effort.max_moves >= 0 else -1
        inner = inner.replace(
            max_moves=room, max_gib=inner.max_gib * min(1.0, effort.max_gib / max(found.gib, 1e-9)),
            seed=effort.seed + turn + 1)
        start = done.state.places()
    return made


def allowed(rules: Rules) -> frozenset[int]:
    """The moves that plans may consist of."""
    if not rules.disk_moves:
        return frozenset((F, FA))
    if not rules.inst_moves:
        return frozenset((R,))
    return frozenset((F, R)) if rules.restricted else EVERY


def finished(world: World, found: Found, rules: Rules, effort: Effort) -> Found:
    """What could not be ordered leaves something to gain by single moves."""
    if not found.stuck or effort.prefer == "data":
        return found
    from gnt.htools_ext.lazy import Descent

    room = -1 if effort.max_moves < 0 else max(0, effort.max_moves - len(found.moves))
    here = world.placed(found.state.places())
    steps = Descent(found.state, **rules.kernel()).run(
        room, rules.min_gain_limit, rules.min_gain)
    moves = (*found.moves, *follow(here, steps))
    return found.replace(moves=moves, gib=copied(world, moves))


def search(world: World, start: list[tuple[int, int]], rules: Rules, effort: Effort,
           goal: float) -> list[tuple[int, int]]:
    """The placement to aim for."""
    from gnt.htools_ext.search import Search

    tries = effort.tries or min(MOST_TRIES, max(
        LEAST_TRIES, TRIES_PER_INSTANCE * len(world.instances)))
    kernel = Search(arrays.state(world), effort.seed, **rules.kernel())
    kernel.start(start)
    saving = effort.prefer == "data"
    kernel.run(
        tries, price_move=PRICE_MOVE, price_gib=1e-4 if saving else PRICE_GIB,
        goal=goal if saving else 0.0, most_gib=effort.max_gib, seconds=effort.seconds,
        most_moves=effort.max_moves if effort.max_moves >= 0 else 1e18)
    return kernel.places()


def copied(world: World, moves: list[Move] | tuple[Move, ...]) -> float:
    """GiB copied by moves."""
    return sum(world.instances[m.inst].dsk for m in moves if m.copies) / 1024
