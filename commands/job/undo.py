"""gnt-job undo."""

from __future__ import annotations

from gnt.commands.job import _gone
from gnt.commands.job._ids import JOB
from gnt.spec import Action, arg, opts
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Undo(Action, command="job undo"):
    """Take back everything that a job whose driver died may have done.

    First waits until nothing that the dead driver began still runs on any node, then undoes the
    plan's steps, last first, and restores what the job changed in the configuration.  A job that
    is past its point of no return can only be resumed.
    """

    examples = (("gnt-job undo 1234", "after a crash, Ctrl-C, or an undo that failed"),)

    gone: tuple[str, ...] = opts(
        TEXT, "ask nothing of this node: it is off for good (gnt-cluster verify shows what is left "
        "if it comes back)", metavar="NODE")
    job: str = arg(JOB, "the job", complete="job")

    def run(self, session: Session) -> int:
        _gone.require_silent(session, self.gone)
        return session.jobs.undo(self.job, self.gone)
