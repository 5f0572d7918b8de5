"""gnt-cluster redist-conf."""

from __future__ import annotations

from gnt.checks.keys import keyring
from gnt.commands import _access, _at_once, _gate
from gnt.commands.cluster import _copies
from gnt.commands.node import _setup
from gnt.spec import Action, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.errors import NodeFailed
    from gnt.spec import Session


class RedistConf(_at_once.AtOnce, Action, command="cluster redist-conf"):
    """Give every master candidate the whole configuration anew.

    Each commit brings the candidates that it reaches up to date; this is for those that were away,
    and for those whose disks have changed what they hold (gnt-cluster config verify names them).
    """

    examples = (
        ("gnt-cluster redist-conf", "names the candidates that cannot be reached"),
        ("gnt-cluster redist-conf --dry-run", "names those that need it"),
    )

    dry_run: bool = opt(BOOL, "only say which candidates and nodes do not have what they should",
                        default=False)
    yes_do_it: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)

    def run(self, session: Session) -> int:
        if self.dry_run:
            return self._look(session)
        results = session.redistribute()
        failed = {name: error for name, error in results.items() if error is not None}
        for error in failed.values():
            session.tell(error.message)
        session.tell(f"{len(results) - len(failed)} of {len(results)} candidates are up to date")
        silent = self._let_in(session)
        return 1 if failed or silent else 0

    def _look(self, session: Session) -> int:
        """Say what would be put right; 1 when somebody does not answer."""
        wrong, silent = _copies.wrong(session)
        cfg = session.config()
        calls = ([keyring.on(node.name) for node in cfg.online()]
                 if cfg.cluster.modify_ssh_setup else [])
        seen = session.ask(calls)
        failed = [why.message for call in calls if (why := seen.failed(call)) is not None]
        lines = set(_access.lines(cfg))
        keys = [f"{call.node}: it lets in other keys than it should" for call in calls
                if seen.failed(call) is None and set(seen[call].ours) != lines]
        for line in dict.fromkeys((*silent, *failed, *wrong, *keys)):
            session.tell(line)
        session.tell(f"{len(cfg.candidates) - len(wrong) - len(silent)} of {len(cfg.candidates)} "
                     "candidates are up to date; nothing was changed")
        return 1 if silent or failed else 0

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
