"""A begun job to its end: attempt, point of no return, settle; or back.

    begun ─ attempt ─ [commit pivot ─ settle] ─ commit end
               └ failure, cancel: undo in reverse, commit what was before

Nothing about single steps is recorded: they look, compare and act, so going on starts at the first
one and going back takes back all of them (ADR 0005).
"""

from __future__ import annotations

from contextlib import contextmanager

from gnt.engine import hooks
from gnt.engine import job as transactions
from gnt.engine.begin import Beginning
from gnt.engine.desk import Desk, Life, know
from gnt.engine.steps import Performer, StepFailed
from gnt.errors import Conflict, GntError, Interrupted, JobFailed, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gnt.engine.begin import Check
    from gnt.engine.job import Wish
    from gnt.engine.ports import Change
    from gnt.model.config import Config
    from gnt.model.objects import Job
    from gnt.plan import Plan
    from gnt.spec import Operation


def run(
    desk: Desk, operation: Operation, wish: Wish, check: Check | None = None,
    begun: Callable[[str], None] = lambda job: None,
) -> str:
    """Run an operation as a job of its own; its id, or "" when one commit did it all.

    ``check`` may refuse the plan that is about to be committed; ``begun`` hears the job's id, or
    the serial of the one commit, as soon as there is one.
    """
    desk.confide(operation)
    with Life(desk.transport) as life:
        beginning = Beginning(desk, life, operation, wish, check=check)
        cfg, job = beginning.record()
        begun(job.id if job else str(cfg.serial))
        if job is not None and job.state == "waiting":
            cfg, job = beginning.until_begun(job)
        if job is not None:
            Drive(desk, cfg, job).forward()
        else:
            hooks.run_post(desk, operation, cfg, beginning.post)
    return job.id if job else ""


class Drive:
    """Drives one begun job whose liveness lock is held.

    ``adopted``: a driver before this one may have done any step of it.
    """

    def __init__(
        self, desk: Desk, cfg: Config, job: Job, gone: Iterable[str] = (), *,
        adopted: bool = False,
    ) -> None:
        self.desk, self.job, self.adopted = desk, job, adopted
        self.plan: Plan = transactions.plan_of(job)
        self.settling = job.state == "settling"
        off = [cfg.node(name).name for name in gone]
        self.offline = [node.name for node in cfg.nodes if node.offline or node.name in off]
        self.candidates = {node.uuid for node in cfg.candidates}
        know(desk.transport, cfg)
        self.performer = Performer(
            desk.transport, desk.listener, desk.stop, cfg.master.name, job.id)
        desk.transport.foresee(job.id, self.performer.foreseen(self.plan))

    @property
    def id(self) -> str:
        return self.job.id

    def forward(self) -> None:
        """To the end; raises JobFailed after undoing, or Interrupted at a safe point."""
        with self._left_at_once():
            self._forward()

    @contextmanager
    def _left_at_once(self) -> Iterator[None]:
        """Say how to go on after a second Ctrl-C."""
        try:
            yield
        except KeyboardInterrupt:
            undo = "" if self.settling else f", or gnt-job undo {self.id}"
            raise Interrupted(
                f"job {self.id} ({self.job.operation}) was left within a step, which its node may "
                "still end", hint=f"gnt-job resume {self.id}{undo}") from None

    def _forward(self) -> None:
        self.desk.listener.job_started(self.id, self.plan)
        if not self.settling:
            self._attempt()
        self._settle()
        self._clear_fences()
        cfg = self._recorded(
            lambda cfg: transactions.end(cfg, self.id, self.job.driver), "its end", "resume")
        self.desk.listener.job_done(self.id, "success")
        hooks.run_post_of(self.desk, self.job, cfg)
        if {node.uuid for node in cfg.candidates} - self.candidates:  # a new one has nothing yet
            self.desk.equip(cfg)

    def _attempt(self) -> None:
        plan = self.plan
        try:
            whole = self.performer.forward(plan.attempt, 0, self.desk.store.take_turn)
        except StepFailed as failure:
            self.desk.store.give_turn()
            reached = len(plan.attempt) if self.adopted else failure.reached
            raise self._taken_back(reached, failure) from failure.cause
        if self.desk.stop.cancelled:
            self.desk.store.give_turn()
            raise self._taken_back(len(plan.attempt), None)
        if not whole:
            raise self._interrupted()
        if plan.settle or self.job.plan.get("pivot"):
            self._recorded(lambda cfg: transactions.pivot(cfg, self.id, self.job.driver),
                           "its point of no return", "resume")
        self.settling = True

    def _settle(self) -> None:
        plan = self.plan
        try:
            whole = self.performer.forward(
                plan.settle, len(plan.attempt), self.desk.store.take_turn, cancellable=False,
                skip=self.offline)
        except StepFailed as failure:
            self.desk.store.give_turn()
            self.desk.listener.job_done(self.id, "interrupted")
            node = plan.steps[failure.index].do.node
            raise JobFailed(
                f"job {self.id} ({self.job.operation}) is past its point of no return and could "
                f"not be finished: {failure.message}",
                hint=f"put that right, then: gnt-job resume {self.id}; if {node} is off for good: "
                     f"gnt-job resume --gone {node} {self.id}") from failure.cause
        if not whole:
            raise self._interrupted()

    def _recorded(self, make: Callable[[Config], Change], what: str, verb: str) -> Config:
        """Commit; when that fails, say what is left to do."""
        try:
            return self.desk.store.commit(make)
        except GntError as error:
            self.desk.listener.job_done(self.id, "interrupted")
            raise JobFailed(
                f"job {self.id} ({self.job.operation}): {what} could not be recorded: "
                f"{error.message}", hint=f"put that right, then: gnt-job {verb} {self.id}",
            ) from error

    def _interrupted(self) -> Interrupted:
        self.desk.listener.job_done(self.id, "interrupted")
        undo = "" if self.settling else f", or gnt-job undo {self.id}"
        return Interrupted(f"job {self.id} ({self.job.operation}) stopped between two steps",
                           hint=f"gnt-job resume {self.id}{undo}")

    def _taken_back(self, reached: int, failure: StepFailed | None) -> GntError:
        """Undo what was begun; the error to raise then."""
        why = failure.message if failure else "cancelled"
        done = self.backward(reached, f"undone: {why}" if failure else "cancelled")
        did = "".join(f"\n    undone: {line}" for line in done) or "\n    nothing had to be undone"
        return JobFailed(f"job {self.id} ({self.job.operation}): {why}{did}",
                         hint=failure.hint if failure else "")

    def _clear_fences(self) -> None:
        """Every command was answered, so nobody needs to wait for one.  It is sent before the end
        is committed: a driver killed after that leaves nothing, and nothing to be recovered."""
        steps = self.plan.steps
        calls = [call for step in steps for call in (step.do, step.undo) if call is not None]
        nodes = {call.node for call in calls} | {self.performer.master}
        self.desk.transport.clear_fence(sorted(nodes), self.id)

    def _too_far(self, result: str, failure: StepFailed) -> Conflict:
        """Why it cannot be taken back although the pivot is not recorded yet: a step is final."""
        self.desk.listener.job_done(self.id, "interrupted")
        why = result.removeprefix("undone: ")
        return Conflict(
            f"job {self.id} ({self.job.operation}) is past its point of no return and cannot be "
            f"taken back ({why}): {failure.message}", hint=f"gnt-job resume {self.id}")

    def backward(self, reached: int, result: str) -> list[str]:
        """Undo the first ``reached`` steps and what ``start`` changed; says what was undone."""
        try:
            done = self.performer.backward(self.plan.attempt, reached, self.offline)
        except StepFailed as failure:
            if isinstance(failure.cause, NodeFailed) and failure.cause.final:
                raise self._too_far(result, failure) from failure.cause
            self._recorded(lambda cfg: transactions.failing(cfg, self.id, self.job.driver),
                           f"that it could not be taken back ({failure.message})", "undo")
            self.desk.listener.job_done(self.id, "interrupted")
            raise JobFailed(
                f"job {self.id} ({self.job.operation}): {result}; and it could not be taken back: "
                f"{failure.message}", hint=f"put that right, then: gnt-job undo {self.id}; "
                f"or on to its end: gnt-job resume {self.id}") from failure.cause
        self._clear_fences()
        self._recorded(lambda cfg: transactions.undone(cfg, self.id, result, self.job.driver),
                       "that it was undone", "undo")
        self.desk.listener.job_done(self.id, "undone")
        return done
