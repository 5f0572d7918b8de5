"""gnt-job archive."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, args

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Archive(Action, command="job archive"):
    """Hide ended jobs from gnt-job list, for every admin; the signed history keeps them."""

    examples = (("gnt-job archive 1234 1240", "two jobs"),)

    job: tuple[str, ...] = args(JOB, "the jobs", complete="job")

    def run(self, session: Session) -> int:
        number = session.jobs.archive(self.job)
        session.tell(f"{number} job{'' if number == 1 else 's'} archived")
        return 0
