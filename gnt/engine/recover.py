"""Jobs whose driver died: going on, or going back; and jobs that are no longer wanted.

Whoever recovers a job takes its liveness lock first (Busy: its driver lives), then waits on every
node of the plan until no command of the dead driver runs there any longer, and only then acts.
"""

from __future__ import annotations

from gnt.engine import job as transactions
from gnt.engine.begin import Beginning
from gnt.engine.desk import Desk, Life, in_charge
from gnt.engine.driver import Drive
from gnt.engine.follow import request_cancel
from gnt.engine.job import Wish
from gnt.engine.record import load_operation, withheld
from gnt.errors import Busy, Conflict, JobFailed, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.engine.ports import Change
    from gnt.model.config import Config
    from gnt.model.objects import Job

ORPHAN_WAIT = 600.0  # seconds that commands of a dead driver are waited for


def resume(desk: Desk, job_id: str, driver: str, gone: Iterable[str] = ()) -> None:
    """Go on with a job whose driver died, to its end.

    ``gone``: nodes that are off for good, as if they were marked offline; marking them may be what
    this very job prevents.
    """
    with Life(desk.transport) as life:
        cfg, job = _adopt(desk, life, job_id, driver)
        if job.state == "undoing":  # it could not be taken back; its steps look before they act
            cfg = desk.store.commit(
                lambda now: transactions.changed(now, job_id, state="running"))
            job = transactions.pending(cfg, job_id)
        if job.state == "waiting":
            _require_all(job)
            operation = load_operation(desk.find(job.operation), job.params, f"jobs.{job_id}")
            wish = Wish(author=job.author, driver=driver, reason=job.reason,
                        priority=job.priority, depends=job.depends)
            cfg, begun = Beginning(desk, life, operation, wish).until_begun(job)
            Drive(desk, cfg, begun).forward()
            return
        drive = Drive(desk, cfg, job, gone, adopted=True)
        _wait_for_orphans(desk, drive, job)
        drive.forward()


def undo(desk: Desk, job_id: str, driver: str, gone: Iterable[str] = ()) -> list[str]:
    """Take back everything a job whose driver died may have done; what was undone, for people."""
    with Life(desk.transport) as life:
        cfg, job = _adopt(desk, life, job_id, driver)
        if job.state == "settling":
            raise Conflict(f"job {job_id} ({job.operation}) is past its point of no return",
                           hint=f"gnt-job resume {job_id}")
        if job.state == "waiting":
            desk.store.commit(lambda now: transactions.dropped(now, job_id, "cancelled", driver))
            return []
        drive = Drive(desk, cfg, job, gone)
        _wait_for_orphans(desk, drive, job)
        return drive.backward(len(drive.plan.attempt), "undone: on request")


def cancel(desk: Desk, job_id: str) -> str:
    """Take a waiting job out of the queue, or ask a running one to stop; what was done."""
    cfg = desk.read()
    job = transactions.pending(cfg, job_id)
    if job.state == "waiting":
        desk.store.commit(lambda now: transactions.dropped(now, job_id, "cancelled"))
        return f"job {job_id} is cancelled; it had not begun"
    if job.state == "settling":
        raise Conflict(f"job {job_id} ({job.operation}) is past its point of no return",
                       hint=f"gnt-job wait {job_id}")
    if not desk.transport.owned(cfg.master.name, [job_id]).get(job_id):
        raise Conflict(f"the driver of job {job_id} ({job.driver}) is gone",
                       hint=f"gnt-job undo {job_id}")
    call = request_cancel.on(cfg.master.name, job_id)
    answer = desk.transport.ask([call])[call.key]
    if isinstance(answer, NodeFailed):
        raise answer
    return f"job {job_id} will stop after its current step and take back what it did"


def change_priority(desk: Desk, job_id: str, priority: int) -> None:
    """Another place in the queue for a waiting job; a begun one is past it."""

    def change(cfg: Config) -> Change:
        if transactions.pending(cfg, job_id).state != "waiting":
            raise Conflict(f"job {job_id} has begun: its priority no longer matters",
                           hint=f"gnt-job watch {job_id}")
        return transactions.changed(cfg, job_id, priority=priority)

    desk.store.commit(change)


def wait(desk: Desk, job_id: str) -> Job | None:
    """Wait until a job has ended; None then, or its record when its driver died."""
    while True:
        cfg = desk.read()
        job = transactions.found(cfg, job_id)
        if job is None:
            return None
        if not desk.transport.owned(cfg.master.name, [job_id]).get(job_id):
            left = transactions.found(desk.read(), job_id)
            if left is None or not desk.transport.owned(cfg.master.name, [job_id]).get(job_id):
                return left
        desk.transport.wait_owner(cfg.master.name, job_id, 60.0)


def _require_all(job: Job) -> None:
    """A job that has not begun must be planned, for which secrets are needed."""
    missing = withheld(job.params)
    if missing:
        raise Conflict(
            f"job {job.id} ({job.operation}) cannot be planned again: {', '.join(missing)} was "
            "given to its driver and is never recorded",
            hint=f"gnt-job cancel {job.id}, and give the command again")


def _adopt(desk: Desk, life: Life, job_id: str, driver: str) -> tuple[Config, Job]:
    """Take the lock of a pending job, then its record, which from now on names us.

    The lock of a driver that began under an earlier master is not on this one.  Should it live, it
    finds out with its next commit; nodes have refused its tasks since the new term began.
    """
    cfg = desk.read()
    job = transactions.pending(cfg, job_id)
    try:
        life.begin(cfg.master.name, job_id)
    except Busy:
        raise Busy(f"the driver of job {job_id} ({job.driver}) lives",
                   hint=f"gnt-job watch {job_id}, or gnt-job cancel {job_id}") from None
    cfg = desk.store.commit(lambda now: transactions.changed(now, job_id, driver=driver))
    cfg = in_charge(desk, life, cfg, job_id, driver)
    return cfg, transactions.pending(cfg, job_id)


def _wait_for_orphans(desk: Desk, drive: Drive, job: Job) -> None:
    """Return when no node of the plan runs a command of the dead driver."""
    nodes = {call.node for step in drive.plan.steps for call in (step.do, step.undo) if call}
    nodes -= set(drive.offline)
    if not nodes:
        return
    quiet = desk.transport.wait_fence(sorted(nodes), job.id, ORPHAN_WAIT)
    loud = {node: error for node, error in quiet.items() if error is not None}
    if loud:
        node, error = next(iter(loud.items()))
        again = "resume" if job.state == "settling" else "undo"
        raise JobFailed(
            f"job {job.id} ({job.operation}): node {node} may still run a command of the driver "
            f"that died: {error}",
            hint=f"make {node} reachable and repeat this; if it is off for good: "
                 f"gnt-job {again} --gone {node} {job.id}")
