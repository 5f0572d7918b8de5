"""gnt-job resume."""

from __future__ import annotations

from gnt.commands.job._ids import JOB
from gnt.spec import Action, arg, opts
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Resume(Action, command="job resume"):
    """Go on with a job whose driver died, to its end.

    First waits until nothing that the dead driver began still runs on any node, then performs the
    plan from its first step: steps look before they act, so what was done is not done twice.
    """

    examples = (("gnt-job resume 1234", "after a crash or Ctrl-C of its driver"),)

    gone: tuple[str, ...] = opts(
        TEXT, "ask nothing of this node: it is off for good (gnt-cluster verify shows what is left "
        "if it comes back)", metavar="NODE")
    job: str = arg(JOB, "the job", complete="job")

    def run(self, session: Session) -> int:
        return session.jobs.resume(self.job, self.gone)
