"""Moves as people and scripts see them: lines, commands, sets of jobs that can run side by side."""

from __future__ import annotations

from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gnt.htools.world import World

F, R, RF, FRF, FR, FA = range(6)  # failover; r: replace the secondary; fa: failover to any node


class Move(Record):
    """One move: which instance, how, where to, from where, and the score after it."""

    inst: int
    kind: int
    target: int  # node; -1 for a failover
    before: tuple[int, int]  # primary, secondary
    after: tuple[int, int]
    score: float

    @property
    def nodes(self) -> tuple[int, ...]:
        """Every node that takes part, each once."""
        return tuple(dict.fromkeys(n for n in (*self.after, *self.before) if n >= 0))

    @property
    def copies(self) -> bool:
        """Whether disks are copied."""
        return self.kind not in (F, FA)


def after(kind: int, target: int, pri: int, sec: int) -> tuple[int, int]:
    """Where an instance is after a move."""
    return {
        F: (sec, pri), R: (pri, target), RF: (target, pri), FRF: (target, sec),
        FR: (sec, target), FA: (target, sec),
    }[kind]


def follow(world: World, steps: Iterable[tuple[int, int, int, float]]) -> list[Move]:
    """The kernels' steps with the places they lead from and to."""
    places = {k: (i.pri, i.sec) for k, i in enumerate(world.instances)}
    made = []
    for inst, kind, target, score in steps:
        before = places[inst]
        places[inst] = after(kind, target, *before)
        made.append(Move(inst=inst, kind=kind, target=target, before=before,
                         after=places[inst], score=score))
    return made


def shorthand(move: Move, node: Callable[[int], str]) -> str:
    """``f r:node3``: what hbal calls a move."""
    target = node(move.target) if move.target >= 0 else ""
    return {F: "f", R: f"r:{target}", RF: f"r:{target} f", FRF: f"f r:{target} f",
            FR: f"f r:{target}", FA: f"fa:{target}"}[move.kind]


def commands(move: Move, name: str, running: bool, node: Callable[[int], str]) -> list[str]:
    """The ``gnt-instance`` command lines of a move, without that word."""
    verb = "migrate" if running else "failover"
    target = node(move.target) if move.target >= 0 else ""
    fail, replace = f"{verb} -f {name}", f"replace-disks -n {target} {name}"
    return {
        F: [fail], R: [replace], RF: [replace, fail], FRF: [fail, replace, fail],
        FR: [fail, replace], FA: [f"{verb} -f -n {target} {name}"],
    }[move.kind]


def job_sets(moves: Sequence[Move]) -> list[list[Move]]:
    """Sets of neighbouring moves without common nodes, made greedily from the last move on."""
    sets: list[list[Move]] = []
    busy: set[int] = set()
    for move in reversed(moves):
        nodes = set(move.nodes)
        if sets and not nodes & busy:
            sets[0].insert(0, move)
            busy |= nodes
        else:
            sets.insert(0, [move])
            busy = nodes
    return sets
