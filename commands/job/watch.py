"""gnt-job watch."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, arg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Watch(Action, command="job watch"):
    """Follow a job: what its driver does, as it does it, until the job ends.

    The exit code is 0 when the job succeeded, 1 when it did not.
    """

    examples = (("gnt-job watch 1234", "Ctrl-C ends the watching, not the job"),)

    job: str = arg(JOB, "the job", complete="job")

    def run(self, session: Session) -> int:
        return session.jobs.watch(self.job)
