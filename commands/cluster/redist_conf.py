"""gnt-cluster redist-conf."""

from __future__ import annotations

from gnt.spec import Action, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class RedistConf(Action, command="cluster redist-conf"):
    """Give every master candidate the whole configuration anew.

    Each commit brings the candidates that it reaches up to date; this is for those that were away,
    and for those whose disks have changed what they hold (gnt-cluster config verify names them).
    """

    examples = (("gnt-cluster redist-conf", "names the candidates that cannot be reached"),)

    yes_do_it: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)

    def run(self, session: Session) -> int:
        results = session.redistribute()
        failed = {name: error for name, error in results.items() if error is not None}
        for error in failed.values():
            session.tell(error.message)
        session.tell(f"{len(results) - len(failed)} of {len(results)} candidates are up to date")
        return 1 if failed else 0
