"""Making planned moves by jobs of the ordinary commands."""

from __future__ import annotations

from gnt.errors import GntError
from gnt.htools.moves import FA, FRF, RF, R

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.spec import Operation, Session


def steps(move: Move) -> Iterator[str]:
    """migrate and replace-disks, in the order of the move."""
    if move.kind != R and move.kind != RF:
        yield "migrate"
    if move.copies:
        yield "replace-disks"
    if move.kind in (RF, FRF):
        yield "migrate"


def operation(step: str, move: Move, world: World) -> Operation:
    """One step as an operation of gnt."""
    from importlib import import_module

    inst = world.instances[move.inst]
    target = world.nodes[move.target].name if move.kind == FA else None
    if step == "replace-disks":
        raise GntError(f"{inst.name}: replace-disks is not there yet",
                       hint="--no-disk-moves uses migrations only")
    verb = "migrate" if inst.running else "failover"
    cls = getattr(import_module(f"gnt.commands.instance.{verb}"), verb.capitalize())
    words = {"name": inst.name, "force": True, **({"target_node": target} if target else {})}
    made: Operation = cls(**{k: v for k, v in words.items() if k in cls.TYPES})
    return made


def moves(session: Session, world: World, sets: Sequence[Sequence[Move]]) -> int:
    """Perform the moves; stops at the first that fails."""
    total, done = sum(len(jobs) for jobs in sets), 0
    for number, jobs in enumerate(sets, 1):
        for move in jobs:
            name = world.instances[move.inst].name
            session.tell(f"[{done + 1}/{total}] job set {number}: {name}")
            for step in steps(move):
                code = session.execute(operation(step, move, world))
                if code:
                    session.tell(f"stopped after {done} of {total} moves; hbal plans the rest anew")
                    return code
            done += 1
    return 0
