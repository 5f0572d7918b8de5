"""Balancing: which moves to make, in which order.

``exact`` repeats the reference's greedy descent step for step; ``fast`` reaches about the same
score in a small part of the time.  Both stop where no single move helps.
"""

from __future__ import annotations

from gnt.htools import arrays, moves
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.htools_ext.state import State


class Rules(Record):
    """What moves are allowed and when to stop."""

    disk_moves: bool = True
    inst_moves: bool = True
    restricted: bool = False
    evacuate: bool = False
    force: bool = False
    min_gain: float = 0.01
    min_gain_limit: float = 0.1
    min_score: float = 1e-9  # above the optimum
    limit: int = -1  # moves

    def kernel(self) -> dict[str, bool]:
        return {"disk_moves": self.disk_moves, "inst_moves": self.inst_moves,
                "restricted": self.restricted, "evacuate": self.evacuate, "force": self.force}


def optimum(world: World, state: State) -> float:
    """The score that reserved memory alone keeps even a perfectly balanced cluster from."""
    total = sum(n.t_mem for n in world.nodes)
    largest = max((n.t_mem for n in world.nodes), default=0.0)
    if len(world.nodes) < 2 or total - largest <= 0:
        return 0.0
    reserved = float(state.reserved())
    return 0.25 * (reserved / (total - largest) - reserved / total)


def exact(world: World, state: State, rules: Rules) -> Iterator[Move]:
    """The moves, one by one, each applied to the state when it comes."""
    from gnt.htools_ext.balance import Balance

    kernel = Balance(state, **rules.kernel())
    goal = optimum(world, state) + rules.min_score
    score, done, places = state.score(), 0, state.places()
    while (rules.limit < 0 or done < rules.limit) and score > goal:
        step = kernel.step(rules.min_gain_limit, rules.min_gain)
        if step is None:
            return
        inst, kind, target, score = step
        done += 1
        before, places[inst] = places[inst], state.place_of(inst)
        yield moves.Move(inst=inst, kind=kind, target=target, score=score, before=before,
                         after=places[inst])


def fast(world: World, state: State, rules: Rules) -> list[Move]:
    """All moves at once."""
    from gnt.htools_ext.lazy import Descent

    steps = Descent(state, **rules.kernel()).run(
        rules.limit, rules.min_gain_limit, rules.min_gain,
        optimum(world, state) + rules.min_score,
    )
    return moves.follow(world, steps)


def balanced(world: World, rules: Rules) -> tuple[World, list[Move]]:
    """The world after a fast balance, and the moves."""
    state = arrays.state(world)
    made = fast(world, state, rules)
    return world.placed(state.places()), made
