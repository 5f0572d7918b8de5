"""One command's use of one cluster: the only place that wires store, transport and engine.

Everything is made on first use, so a command that needs no network loads none of it.
"""

from __future__ import annotations

from gnt.spec import Lines, Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from gnt.config.context import Context
    from gnt.config.store import SignedStore
    from gnt.engine.begin import Check
    from gnt.engine.desk import Desk
    from gnt.engine.job import Wish
    from gnt.engine.jobs import Jobs
    from gnt.engine.ports import Front
    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Document, Operation, Settings, Table
    from gnt.ssh.transport import SshTransport


class Session:
    """``spec.Session`` for one command line."""

    def __init__(self, settings: Settings, front: Front) -> None:
        self.settings, self.front = settings, front
        self._context: Context | None = None
        self._transport: SshTransport | None = None
        self._store: SignedStore | None = None
        self._desk: Desk | None = None

    # --- wiring --------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Which cluster, where it is, whom we trust, and with which keys we come."""
        if self._context is None:
            from gnt.config.context import find

            self._context = find(self.settings.cluster)
        return self._context

    @property
    def transport(self) -> SshTransport:
        if self._transport is None:
            from gnt.ssh.transport import SshTransport

            self._transport = SshTransport(self.context.identities(), here=self.context.here)
        return self._transport

    @property
    def store(self) -> SignedStore:
        if self._store is None:
            from gnt.config.store import SignedStore

            self._store = SignedStore(self.context, self.transport)
        return self._store

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            from gnt.engine.desk import Desk

            self._desk = Desk(self.store, self.transport, self.front.listener,
                              tell=self.front.tell)
        return self._desk

    @property
    def round_trips(self) -> int:
        """Phases on the critical path so far (``--timing``)."""
        return self._transport.round_trips if self._transport is not None else 0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # --- asking --------------------------------------------------------------------------------

    def config(self) -> Config:
        return self.desk.read()

    def ask(self, calls: Iterable[Call[Any]]) -> Seen:
        wanted = list(calls)
        return Seen(self.transport.ask(wanted) if wanted else {})

    # --- changing ------------------------------------------------------------------------------

    def execute(self, operation: Operation) -> int:
        """Run an operation as the general options say: as a job, detached, or only planned."""
        todo = list(operation.prepare(self))
        while todo:
            one = todo.pop(0)
            self._ask_first(one)
            if self.settings.dry_run or self.settings.plan_out:
                self._only_plan(one)
            elif self.settings.submit:
                self._submit(one)
            else:
                self._run(one)
                todo = [*self._following(one), *todo]
        return 0

    def _ask_first(self, operation: Operation) -> None:
        from gnt.spec import Operation

        if self.settings.dry_run or type(operation).confirm is Operation.confirm:
            return
        question = operation.confirm(self.config())
        if question:
            self.confirm(question)

    def _following(self, operation: Operation) -> tuple[Operation, ...]:
        from gnt.spec import Operation

        if type(operation).then is Operation.then:
            return ()
        return operation.then(self.config())

    def _run(self, operation: Operation, check: Check | None = None) -> None:
        from gnt.engine import driver
        from gnt.engine.stop import on_signals

        with on_signals(self.desk.stop):
            driver.run(self.desk, operation, self._wish(), check, self._begun)

    def _begun(self, job: str) -> None:
        if self.settings.print_jobid:
            self.show(Lines(lines=(job,), data=job))

    def _submit(self, operation: Operation) -> None:
        """Leave the job to this user's runner; print its id."""
        from gnt.engine.submit import Submission, submit

        directory = self.context.runtime
        job = submit(directory, Submission.of(operation, self._wish()), self._serve)
        self.show(Lines(lines=(job,), data=job))

    def _serve(self, ready: Callable[[], None]) -> None:
        """The life of a runner (in a process of its own)."""
        from gnt.engine.quiet import Quiet
        from gnt.engine.runner import serve

        plain = self.settings.replace(submit=False)
        serve(self.context.runtime, lambda: Session(plain, Quiet()).desk, ready)

    def _only_plan(self, operation: Operation) -> None:
        from gnt.engine import planfile
        from gnt.plan import render

        cfg = self.config()
        plan = operation.plan(cfg, self.ask(operation.facts(cfg)))
        if self.settings.plan_out:
            planfile.write(self.settings.plan_out, cfg, operation, plan)
        lines = tuple(render(plan)) or ("nothing to do",)
        self.show(Lines(lines=lines, data=list(lines)))

    def apply(self, path: str) -> int:
        """Run a saved plan, or refuse with the difference when it would be another one now."""
        from gnt.engine import planfile

        saved, operation = planfile.read(path)
        self._run(operation, lambda cfg, plan: planfile.require_same(path, saved, cfg, plan))
        return 0

    def _wish(self) -> Wish:
        import os

        from gnt.engine.holds import PRIORITIES
        from gnt.engine.job import Wish

        return Wish(author=self.context.author, driver=f"{os.uname().nodename} {os.getpid()}",
                    reason=self.settings.reason, wait=self.settings.wait,
                    priority=PRIORITIES[self.settings.priority])

    @property
    def jobs(self) -> Jobs:
        from gnt.engine.jobs import Jobs

        return Jobs(self.desk, self.front, self._wish().driver)

    # --- the person ----------------------------------------------------------------------------

    def show(self, answer: Table | Document | Lines) -> None:
        self.front.show(answer)

    def tell(self, message: str) -> None:
        self.front.tell(message)

    def confirm(self, question: str) -> None:
        self.front.confirm(question)

    def lines(self) -> Iterator[str]:
        return self.front.lines()
