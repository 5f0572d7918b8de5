"""gnt-job change-priority."""

from __future__ import annotations

from gnt.commands.job._several import SeveralJobs
from gnt.spec import opt
from gnt.values import choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ChangePriority(SeveralJobs, command="job change-priority"):
    """Give waiting jobs another place among those that wait for the same objects."""

    examples = (("gnt-job change-priority --priority high 1234", "before all that wait normally"),)

    priority: str = opt(choice("low", "normal", "high"), "the new priority", default="normal")

    def run(self, session: Session) -> int:
        return self.each(
            session, lambda job: session.jobs.change_priority(job, self.priority))
