"""Commands for several jobs, by number or all that have not begun."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.errors import GntError, Interrupted, Invalid, NodeFailed, NoMajority
from gnt.spec import Action, args, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gnt.spec import Session


class SeveralJobs(Action):
    """Takes numbers, or all waiting jobs: ours are never queued without waiting for something."""

    pending: bool = opt(BOOL, "all jobs that have not begun", default=False)
    queued: bool = opt(BOOL, "the same as --pending", default=False)
    waiting: bool = opt(BOOL, "the same as --pending", default=False)
    force: bool = opt(BOOL, "do not ask", default=False, short="f")
    job: tuple[str, ...] = args(JOB, "the jobs", default=(), complete="job")

    def each(self, session: Session, do: Callable[[str], str | None]) -> int:
        """The exit code; one that is refused does not keep the others back."""
        bad = False
        for job in self._chosen(session):
            try:
                said = do(job)
            except (Interrupted, NodeFailed, NoMajority):
                raise
            except GntError as error:
                bad, said = True, error.message + (f"\n  hint: {error.hint}" if error.hint else "")
            if said:
                session.tell(said)
        return 1 if bad else 0

    def _chosen(self, session: Session) -> tuple[str, ...]:
        every = self.pending or self.queued or self.waiting
        if every == bool(self.job):
            raise Invalid("", "give the numbers of jobs, or --pending" if not every else
                          "--pending, --queued and --waiting take no numbers")
        if not every:
            return self.job
        found = tuple(job.id for job in session.config().jobs if job.state == "waiting")
        if found and not self.force:
            session.confirm(f"{self.verb} jobs {', '.join(found)}?")
        return found
