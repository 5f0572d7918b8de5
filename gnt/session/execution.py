"""Running operations as the general options say: as jobs, detached, or only planned."""

from __future__ import annotations

from gnt.errors import (
    ConfirmationNeeded,
    Damaged,
    Fenced,
    GntError,
    Interrupted,
    NodeFailed,
    NoMajority,
    NotAuthorised,
    NotMaster,
)
from gnt.spec import Lines, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.engine.begin import Check
    from gnt.engine.job import Wish
    from gnt.session import Session

EVERYBODYS = (
    ConfirmationNeeded, Damaged, Fenced, Interrupted, NoMajority, NotAuthorised, NotMaster)


def job_line(job: str, *, bare: bool) -> Lines:
    """A job's id for people and for scripts; ``bare``: nothing else (``--print-jobid``)."""
    return Lines(lines=(job if bare else f"JobID: {job}",), data=job)


class Execution:
    """What one session does with operations."""

    def __init__(self, session: Session) -> None:
        self.session, self.settings = session, session.settings

    def execute(self, operation: Operation) -> int:
        """Run an operation as the general options say: as a job, detached, or only planned."""
        try:
            self._approach()
            several = operation.prepare(self.session)
            return self._each(several) if len(several) > 1 else self._all(list(several))
        except NodeFailed as failure:
            raise self._shut_out(failure) from failure

    def _each(self, several: Sequence[Operation]) -> int:
        """One after the other; what only one of them suffers from does not keep the others back."""
        failed: list[str] = []
        for one in several:
            try:
                self._all([one])
            except GntError as error:
                if self._ends_all(error):
                    raise
                failed.append(" ".join(getattr(one, "names", ())) or type(one).verb)
                self.session.tell(f"{one.verb} {failed[-1]}: {error.message}"
                                  + (f"\n  hint: {error.hint}" if error.hint else ""))
        if failed:
            self.session.tell(f"{len(failed)} of {len(several)} failed: {', '.join(failed)}")
        return 1 if failed else 0

    def _ends_all(self, error: GntError) -> bool:
        """Whether the next one would fail alike, or somebody said no."""
        cfg = self.session.store.signed.cached()
        master = cfg.master.name if cfg else ""
        return isinstance(error, EVERYBODYS) or (
            isinstance(error, NodeFailed) and error.node == master)

    def _all(self, todo: list[Operation]) -> int:
        for one in todo:
            self._ask_first(one)
            if self.settings.dry_run or self.settings.plan_out:
                self._only_plan(one)
            elif self.settings.submit:
                self._submit(one)
            else:
                self._run(one)
                self._follow(one)
        return 0

    def _follow(self, done: Operation) -> None:
        """What an operation entails; who reads of a failure there has to know that it is done."""
        try:
            self._all(list(self._following(done)))
        except GntError:
            self.session.tell(f"{done.noun} {done.verb} itself is done; what follows from it is "
                              "not:")
            raise

    def _approach(self) -> None:
        """Let the connections that commits need come up while everything else begins."""
        if not (self.settings.submit or self.settings.dry_run or self.settings.plan_out):
            self.session.transport.warm(self._candidates())

    def _shut_out(self, failure: NodeFailed) -> GntError:
        """Why a node refused us: this may be a node whose keys no other accepts any more."""
        here = self.session.context.here
        if failure.kind != "denied" or not here or failure.node == here:
            return failure
        return NotMaster(
            f"{failure.message}: {here} is no master candidate, it seems",
            hint=f"type it on the master or on an admin's host, or there first: gnt-node modify "
                 f"-C yes {here}")

    def _ask_first(self, operation: Operation) -> None:
        if self.settings.dry_run or type(operation).confirm is Operation.confirm:
            return
        question = operation.confirm(self.session.config())
        if question:
            self.session.confirm(question)

    def _following(self, operation: Operation) -> tuple[Operation, ...]:
        if type(operation).then is Operation.then:
            return ()
        return operation.then(self.session.config())

    def _run(self, operation: Operation, check: Check | None = None) -> None:
        from gnt.engine import driver
        from gnt.engine.stop import on_signals

        with on_signals(self.session.desk.stop):
            driver.run(self.session.desk, operation, self.wish(), check, self._begun)

    def _candidates(self) -> set[str]:
        """The master candidates, as far as this machine knows."""
        cfg = self.session.store.signed.cached()
        return {node.name for node in cfg.candidates} if cfg else set()

    def _begun(self, job: str) -> None:
        if self.settings.print_jobid:
            self.session.show(job_line(job, bare=True))

    def _submit(self, operation: Operation) -> None:
        """Leave the job to this user's runner; print its id, as the reference does."""
        job = self.submit(operation)
        self.session.show(job_line(job, bare=self.settings.print_jobid))

    def submit(self, operation: Operation) -> str:
        """Leave a prepared operation to this user's runner; the id of its job."""
        from gnt.engine import door
        from gnt.engine.submit import Submission, submit
        from gnt.ssh.dial import dial

        context = self.session.context
        return submit(context.runtime, Submission.of(operation, self.wish()), dial,
                      door.program(context.name))

    def _only_plan(self, operation: Operation) -> None:
        from gnt.engine import planfile
        from gnt.plan import render

        cfg = self.session.config()
        plan = operation.plan(cfg, self.session.ask(operation.facts(cfg)))
        if self.settings.plan_out:
            planfile.write(self.settings.plan_out, cfg, operation, plan)
        lines = tuple(render(plan)) or ("nothing to do",)
        self.session.show(Lines(lines=lines, data=list(lines)))

    def apply(self, path: str) -> int:
        """Run a saved plan, or refuse with the difference when it would be another one now."""
        from gnt.engine import planfile

        saved, operation = planfile.read(path)
        self._approach()
        self._run(operation, lambda cfg, plan: planfile.require_same(path, saved, cfg, plan))
        return 0

    def wish(self) -> Wish:
        """How jobs are to be run, as the general options say."""
        from gnt.engine.holds import PRIORITIES
        from gnt.engine.job import Wish

        return Wish(author=self.session.who, driver=self.session.driver,
                    reason=self.settings.reason, wait=self.settings.wait,
                    depends=self.settings.depends,
                    priority=PRIORITIES[self.settings.priority])
