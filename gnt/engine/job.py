"""The transactions of a job's life, as pure functions from a configuration to a Change."""

from __future__ import annotations

from gnt.engine.edits import View, backward, difference, forward, stamped
from gnt.engine.ports import Change
from gnt.engine.record import dump_params, dump_plan, load_plan
from gnt.errors import Conflict, Damaged, NotFound
from gnt.model.codec import to_data
from gnt.model.objects import Job
from gnt.plan import Edit, Plan
from gnt.query.summary import about
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gnt.model.config import Config
    from gnt.spec import Holds, Operation


class Wish(Record):
    """How a job is to be run, besides what it does."""

    author: str = ""
    driver: str = ""  # host and pid, for people
    reason: str = ""
    priority: int = 0
    depends: tuple[str, ...] = ()
    wait: bool = True


def named(operation: Operation) -> str:
    return f"{operation.noun} {operation.verb}"


def next_id(cfg: Config) -> str:
    """The id of a job that the transaction after this state begins."""
    return str(cfg.serial + 1)


def found(cfg: Config, job_id: str) -> Job | None:
    return cfg.get(Job, job_id)


def pending(cfg: Config, job_id: str, driver: str = "") -> Job:
    """The record of a pending job; NotFound when it ended or never was.

    ``driver``: who asks because it drives the job.  Conflict when somebody has taken it over, who
    could not see that this driver lives: its liveness lock was on a master that is none any more.
    """
    job = found(cfg, job_id)
    if job is None:
        raise NotFound(f"job {job_id} is not pending: it ended, or never was",
                       hint=f"gnt-job info {job_id}")
    if driver and job.driver != driver:
        raise Conflict(f"job {job_id} was taken over by {job.driver}",
                       hint=f"gnt-job watch {job_id}")
    return job


def born(cfg: Config, operation: Operation, holds: Holds, wish: Wish, now: float) -> Job:
    """The record of a new job, waiting."""
    return Job(
        id=next_id(cfg), operation=named(operation), params=dump_params(operation),
        author=wish.author, driver=wish.driver, state="waiting", priority=wish.priority,
        reason=wish.reason, received=now, exclusive=holds.exclusive, shared=holds.shared,
        depends=wish.depends,
    )


def queue(job: Job) -> Change:
    """Record that the job waits."""
    return _change(job, (_put(job, new=True),), job_id="")


def begin(
    cfg: Config, job: Job, plan: Plan, now: float, post: Sequence[str] = (),
) -> tuple[Job, Change]:
    """Record what the job will do and how to take it back; make the reservations of ``start``.

    ``post``: nodes on which post hooks are to run.
    A plan without attempt has nothing to take back: its ``pivot`` is made at once.
    """
    plan = _stamped(cfg, plan, now)
    view = View(cfg)
    at_once = plan.start if plan.attempt else (*plan.start, *plan.pivot)
    restore = difference(view, at_once)
    edits = [Edit(path=path, value=value) for path, value in view.changed.items()]
    recorded: dict[str, Any] = dump_plan(plan)
    pivot = difference(view, plan.pivot) if plan.attempt else []
    end = difference(view, plan.end)
    recorded |= {name: made for name, made in 
                 (("pivot", pivot), ("end", end), ("hooks", list(post))) if made}
    begun = job.replace(state="running" if plan.attempt else "settling", started=now,
                        plan=recorded, restore=tuple(restore) if plan.attempt else ())
    new = cfg.get(Job, job.id) is None
    return begun, _change(begun, (*edits, _put(begun, new=new)), job_id="" if new else job.id)


def _stamped(cfg: Config, plan: Plan, now: float) -> Plan:
    return plan.replace(**{part: stamped(cfg, getattr(plan, part), now)
                           for part in ("start", "pivot", "end")})


def at_once(cfg: Config, operation: Operation, plan: Plan, wish: Wish, now: float) -> Change:
    """A plan without steps needs no job: one transaction does it."""
    plan = _stamped(cfg, plan, now)
    view = View(cfg)
    view.put((*plan.start, *plan.pivot, *plan.end))
    edits = tuple(Edit(path=path, value=value) for path, value in view.changed.items())
    return Change(edits=edits, operation=named(operation), reason=wish.reason, result="success",
                  note=about(named(operation), dump_params(operation)))


def pivot(cfg: Config, job_id: str, driver: str = "") -> Change:
    """Pass the point of no return."""
    job = pending(cfg, job_id, driver)
    view = View(cfg)
    edits = forward(view, _changes(job, "pivot"), f"jobs.{job_id}.plan.pivot")
    return _change(job, (*edits, _put(job.replace(state="settling"))))


def end(cfg: Config, job_id: str, driver: str = "") -> Change:
    """The job did what it was to do."""
    job = pending(cfg, job_id, driver)
    edits = forward(View(cfg), _changes(job, "end"), f"jobs.{job_id}.plan.end")
    return _change(job, (*edits, _drop(job)), result="success")


def undone(cfg: Config, job_id: str, result: str, driver: str = "") -> Change:
    """Everything the job did was taken back."""
    job = pending(cfg, job_id, driver)
    edits = backward(View(cfg), job.restore, f"jobs.{job_id}.restore")
    return _change(job, (*edits, _drop(job)), result=result)


def dropped(cfg: Config, job_id: str, result: str, driver: str = "") -> Change:
    """A waiting job goes without having done anything; Conflict when it has begun by now."""
    job = pending(cfg, job_id, driver)
    if job.state != "waiting":
        raise Conflict(f"job {job_id} began meanwhile", hint=f"gnt-job cancel {job_id}")
    return _change(job, (_drop(job),), result=result)


def claimed(cfg: Config, job_id: str, driver: str) -> Change:
    """Say again who drives the job; Conflict when that is somebody else by now."""
    job = pending(cfg, job_id, driver)
    return _change(job, (_put(job),))


def failing(cfg: Config, job_id: str, driver: str) -> Change:
    """It could not be taken back."""
    job = pending(cfg, job_id, driver)
    return _change(job, (_put(job.replace(state="undoing")),))


def changed(cfg: Config, job_id: str, **fields: Any) -> Change:
    """Set some fields of the record."""
    job = pending(cfg, job_id)
    return _change(job, (_put(job.replace(**fields)),))


def plan_of(job: Job) -> Plan:
    """The steps and notes of a job's record."""
    return load_plan(job.plan, f"jobs.{job.id}.plan")


def _changes(job: Job, part: str) -> list[dict[str, Any]]:
    changes = job.plan.get(part, [])
    if not isinstance(changes, list) or not all(isinstance(item, dict) for item in changes):
        raise Damaged(f"jobs.{job.id}.plan.{part}: expected a list of tables")
    return changes


def _put(job: Job, *, new: bool = False) -> Edit:
    return Edit(path="jobs/@" if new else f"jobs/{job.id}", value=to_data(job))


def _drop(job: Job) -> Edit:
    return Edit(path=f"jobs/{job.id}")


def _change(
    job: Job, edits: Sequence[Edit], *, job_id: str | None = None, result: str = "",
) -> Change:
    return Change(edits=tuple(edits), operation=job.operation, reason=job.reason, result=result,
                  job=job.id if job_id is None else job_id)


def refuse_pending(cfg: Config, job_id: str) -> None:
    """Raise Conflict when the job has not ended."""
    if found(cfg, job_id) is not None:
        raise Conflict(f"job {job_id} has not ended", hint=f"gnt-job cancel {job_id}")
