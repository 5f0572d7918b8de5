"""gnt-cluster redist-conf."""

from __future__ import annotations

from gnt.commands import _access, _gate
from gnt.commands.node import _setup
from gnt.spec import Action, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.errors import NodeFailed
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
        silent = self._let_in(session)
        return 1 if failed or silent else 0

    def _let_in(self, session: Session) -> list[NodeFailed]:
        """Whom nodes let in, written anew; the nodes that could not be told."""
        cfg = session.config()
        if not cfg.cluster.modify_ssh_setup:
            return []
        lines = _access.lines(cfg)
        gates = [_gate.install(node.name, cfg) for node in cfg.online() if cfg.cluster.hardened]
        calls = [*gates, *(_setup.authorize.on(n.name, lines=lines) for n in cfg.online())]
        seen = session.ask(calls)
        failed = [why for call in calls if (why := seen.failed(call)) is not None]
        for why in failed:
            session.tell(why.message)
        count, silent = len(cfg.online()), len({why.node for why in failed})
        session.tell(f"{count - silent} of {count} nodes let in the right keys")
        return failed
