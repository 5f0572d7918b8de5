"""gnt-job cancel."""

from __future__ import annotations

from gnt.commands.job._several import SeveralJobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Cancel(SeveralJobs, command="job cancel"):
    """Take waiting jobs out of the queue; let running ones stop and take back what they did.

    A running job stops after its current step.  One that is past its point of no return cannot be
    cancelled; one whose driver died is undone instead (gnt-job undo).
    """

    examples = (("gnt-job cancel 1234 1235", "two jobs"),
                ("gnt-job cancel -f --pending", "all that have not begun"))

    def run(self, session: Session) -> int:
        return self.each(session, session.jobs.cancel)
