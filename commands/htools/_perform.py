"""Making planned moves: the jobs of a set side by side, one set after the other.

Ctrl-C once: no further set is begun.  Twice, or SIGTERM: nothing is waited for any more, and jobs
that have begun go on by themselves.  Every move keeps N+1, so stopping anywhere is safe.
"""

from __future__ import annotations

from contextlib import contextmanager

from gnt.commands import _evacuation
from gnt.errors import GntError, Interrupted, JobFailed
from gnt.htools.moves import FA, FRF, RF, R

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.spec import Operation, Session


class Stopping:
    """Whether somebody asked to stop before the end."""

    def __init__(self, session: Session) -> None:
        self.session, self.requested = session, False

    @contextmanager
    def listening(self) -> Iterator[Stopping]:
        import signal

        before = {number: signal.signal(number, self._asked)
                  for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        import signal

        if self.requested or number == signal.SIGTERM:
            raise Interrupted("left at once; the jobs that have begun go on",
                              hint="gnt-job list shows them")
        self.requested = True
        self.session.tell("it stops at the end of this set of jobs; once more leaves at once")


def steps(move: Move) -> Iterator[str]:
    """migrate and replace-disks, in the order of the move."""
    if move.kind != R and move.kind != RF:
        yield "migrate"
    if move.copies:
        yield "replace-disks"
    if move.kind in (RF, FRF):
        yield "migrate"


def operations(move: Move, world: World) -> list[Operation]:
    """A move as operations of gnt, one after the other."""
    return [operation(step, move, world) for step in steps(move)]


def operation(step: str, move: Move, world: World) -> Operation:
    """One step as an operation of gnt."""
    inst = world.instances[move.inst]
    target = world.nodes[move.target].name if move.kind == FA else ""
    if step == "replace-disks":
        return _evacuation.replaced(inst.name, world.nodes[move.target].name)
    return _evacuation.one(inst.name, target, failover=not inst.running)


def moves(
    session: Session, world: World, sets: Sequence[Sequence[Move]], stopping: Stopping,
) -> int:
    """Perform the moves; stops after the set in which a job fails, or when it was asked to."""
    jobs = [[(world.instances[m.inst].name, operations(m, world)) for m in jobs] for jobs in sets]
    total, done = sum(map(len, jobs)), 0
    for number, wanted in enumerate(jobs, 1):
        if stopping.requested:
            session.tell(f"Exiting early as asked, {len(jobs) + 1 - number} job set(s) remain")
            return 0
        session.tell(f"Executing job set {number} of {len(jobs)} for instances "
                     + ",".join(name for name, _ in wanted))
        good, made = _together(session, wanted)
        if not good:
            session.tell(f"Not all jobs of a set were successful: stopped after {done} of "
                         f"{total} moves; planning again takes it from there")
            return 1
        done += len(wanted)  # --dry-run makes no jobs
        session.tell(f"{done} of {total} moves {'done' if made else 'only planned'}")
    return 0


def one(session: Session, operation: Operation) -> None:
    """Leave a job to the user's runner and wait for its end; raises when it fails.

    A job of this process would be orphaned if it were killed, and keep the node from its next run.
    """
    for job in session.submit(operation):
        if session.jobs.wait(job):
            raise JobFailed(f"job {job} ({operation.noun} {operation.verb}) failed",
                            hint=f"gnt-job info {job} says why; then the same command again")


def together(session: Session, wanted: Sequence[tuple[str, Sequence[Operation]]]) -> bool:
    """Jobs of several instances side by side, those of one after the other; whether all worked."""
    return _together(session, wanted)[0]


def _together(
    session: Session, wanted: Sequence[tuple[str, Sequence[Operation]]],
) -> tuple[bool, int]:
    """(whether all worked, how many jobs there were)."""
    good, made = True, 0
    left = [(name, list(operations)) for name, operations in wanted]
    while left:
        ids, failed = _submitted(session, left)
        if ids:
            session.tell("Got job IDs " + ",".join(job for _, job in ids))
        failed |= {name for name, job in ids if not _worked(session, name, job)}
        good, made = good and not failed, made + len(ids)
        left = [(name, rest[1:]) for name, rest in left if len(rest) > 1 and name not in failed]
    return good, made


def _submitted(
    session: Session, left: Sequence[tuple[str, Sequence[Operation]]],
) -> tuple[list[tuple[str, str]], set[str]]:
    """(the jobs by instance, those of which none could be made): others may have changed the
    cluster since it was planned, and what has begun is waited for all the same."""
    ids, failed = [], set()
    for name, operations in left:
        try:
            ids += [(name, job) for job in session.submit(operations[0])]
        except Interrupted:
            raise
        except GntError as error:
            session.tell(f"{name}: {error.message}")
            failed.add(name)
    return ids, failed


def _worked(session: Session, name: str, job: str) -> bool:
    try:
        return session.jobs.wait(job) == 0
    except Interrupted:
        raise
    except GntError as error:
        session.tell(f"{name}: {error.message}")
        return False
