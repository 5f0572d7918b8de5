"""gnt-job resume."""

from __future__ import annotations

from gnt.commands.instance._install import with_file
from gnt.commands.job import _gone
from gnt.commands.job._ids import JOB
from gnt.errors import Conflict
from gnt.model.objects import Job
from gnt.model.private import secrets
from gnt.spec import Action, arg, opt, opts
from gnt.values import PAIRS, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

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
    os_parameters_secret: Mapping[str, str] = opt(
        PAIRS, "the secret OS parameters that were given to the job: they are not stored",
        default={})
    job: str = arg(JOB, "the job", complete="job")

    def run(self, session: Session) -> int:
        pending = session.config().get(Job, self.job)
        missing = secrets(dict(pending.plan) if pending else {}) - set(self.os_parameters_secret)
        if missing:
            names, values = ", ".join(sorted(missing)), ",".join(f"{n}=…" for n in sorted(missing))
            raise Conflict(
                f"job {self.job} needs its secret OS parameters again: {names}",
                hint=f"gnt-job resume --os-parameters-secret {values} {self.job}, or gnt-job undo "
                     f"{self.job}")
        session.confide(with_file(self.os_parameters_secret, "--os-parameters-secret"))
        _gone.require_silent(session, self.gone)
        return session.jobs.resume(self.job, self.gone)
