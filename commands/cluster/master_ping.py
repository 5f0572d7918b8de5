"""gnt-cluster master-ping."""

from __future__ import annotations

from gnt.commands.node import _setup
from gnt.spec import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class MasterPing(Action, command="cluster master-ping"):
    """Check whether the master answers: exit code 0 when it does, 1 otherwise; prints nothing.

    The configuration is read from it as well, and its signature checked.
    """

    examples = (("gnt-cluster master-ping && echo alive", "for scripts"),)

    def run(self, session: Session) -> int:
        cfg = session.config()
        call = _setup.inspect.on(cfg.master.name)
        failed = session.ask((call,)).failed(call)
        if failed is not None:
            session.tell(failed.message)
            return 1
        return 0
