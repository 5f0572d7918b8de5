"""gnt-job info."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, Document, args

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Info(Action, command="job info"):
    """Show everything known about jobs: what was asked for, the plan, the state, the result."""

    aliases = ("show",)
    examples = (("gnt-job info 1234", "a pending or a finished job"),)

    job: tuple[str, ...] = args(JOB, "the jobs", complete="job")

    def run(self, session: Session) -> int:
        found = {f"Job {job}": session.jobs.details(job) for job in self.job}
        session.show(Document(content=found))
        return 0
