"""The life of a runner of submitted jobs: its sessions, and how it reads command lines."""

from __future__ import annotations

from gnt.errors import UsageError
from gnt.session.execution import Execution, job_line
from gnt.spec import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gnt.engine.desk import Desk
    from gnt.engine.submit import Submission
    from gnt.session import Session
    from gnt.spec import Command, Settings

    Understand = Callable[[str, list[str]], tuple[Command, Settings]]


def live(session: Session, ready: Callable[[], None], understand: Understand) -> None:
    """Take submissions to the cluster of ``session`` until there are none for a while.

    The threads share a store and what they ask; each has a session of its own for the rest.
    ``understand`` says what command lines mean.
    """
    from gnt.engine.quiet import Quiet
    from gnt.engine.runner import serve
    from gnt.engine.together import Questions, Together
    from gnt.session import Session
    from gnt.ssh.shared import Lines

    plain = session.settings.replace(submit=False)
    lines = Lines()

    def one() -> Session:
        made = Session(plain, Quiet())
        made.transport.lines = lines
        return made

    clerk, asker = one(), one()
    store, questions = Together(clerk.store.signed, clerk.transport), Questions(asker.transport)

    def desk() -> Desk:
        return one().sit_with(store, questions)

    def read(words: list[str]) -> tuple[Submission, Callable[[str], str]] | None:
        seated = one()
        seated.sit_with(store, questions)
        try:
            return _submission(seated, *understand(words[0], words[1:]))
        finally:
            seated.close()

    try:
        serve(session.context.runtime, desk, ready, read=read)
    finally:
        clerk.close()
        asker.close()


def _submission(
    session: Session, command: Command, settings: Settings,
) -> tuple[Submission, Callable[[str], str]] | None:
    """What a command line of somebody else's process submits; None when it must do so itself."""
    from gnt.config.place import chosen
    from gnt.engine.submit import Submission

    ours = chosen(settings.cluster) == chosen(session.settings.cluster)
    more = settings.timing or settings.debug or settings.dry_run or settings.plan_out
    if not isinstance(command, Operation) or not settings.submit or more or not ours:
        return None
    if not command.anywhere():
        return None
    session.settings = settings
    prepared = command.prepare(session)
    if len(prepared) != 1:
        raise UsageError("these are several")
    bare = settings.print_jobid
    return (Submission.of(prepared[0], Execution(session).wish()),
            lambda job: job_line(job, bare=bare).lines[0])
