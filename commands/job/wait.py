"""gnt-job wait."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, arg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Wait(Action, command="job wait"):
    """Wait until a job has ended.

    The exit code is 0 when the job succeeded, 1 when it did not, 20 when its driver died and it
    waits for resume or undo.
    """

    examples = (("gnt-job wait 1234 && echo good", "act on the result"),)

    job: str = arg(JOB, "the job", complete="job")

    def run(self, session: Session) -> int:
        return session.jobs.wait(self.job)
