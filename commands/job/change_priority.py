"""gnt-job change-priority."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, args, opt
from gnt.values import choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ChangePriority(Action, command="job change-priority"):
    """Give waiting jobs another place among those that wait for the same objects."""

    examples = (("gnt-job change-priority --priority high 1234", "before all that wait normally"),)

    priority: str = opt(choice("low", "normal", "high"), "the new priority", default="normal")
    job: tuple[str, ...] = args(JOB, "the jobs", complete="job")

    def run(self, session: Session) -> int:
        for job in self.job:
            session.jobs.change_priority(job, self.priority)
        return 0
