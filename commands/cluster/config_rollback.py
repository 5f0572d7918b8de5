"""gnt-cluster config rollback."""

from __future__ import annotations

from gnt.commands.cluster import _rollback
from gnt.spec import Action, Lines, arg, opt
from gnt.values import BOOL, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigRollback(Action, command="cluster config rollback"):
    """Set every object back to what it was after a transaction.

    This is a new transaction: nothing of the history is lost, and it can be rolled back itself.
    Signers, who is the master, and nodes' roles stay; a node that was removed comes back marked
    offline.  It changes the configuration only, not instances, disks or nodes: gnt-cluster verify
    then says where they differ.  It is refused while jobs are pending, and when an instance would
    get another home than the node that runs it; every node is asked.
    """

    examples = (("gnt-cluster config rollback 40 --show", "what it would change"),
                ("gnt-cluster config rollback 40 --because 'wrong node removed'", "do it"))

    serial: int = arg(whole(1), "serial of the transaction to go back to")
    because: str = opt(TEXT, "the reason, for the history", default="")
    only_show: bool = opt(BOOL, "only print what it would change", default=False, name="show")
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def run(self, session: Session) -> int:
        changes = session.ledger.undoing(self.serial)
        if self.only_show or not changes:
            session.show(Lines(lines=tuple(changes) or ("nothing to do",), data=changes))
            return 0
        if not self.force:
            session.confirm(f"Set {len(changes)} objects back to transaction {self.serial}?",
                            changes)
        now, then = session.config(), session.ledger.config(self.serial)
        _rollback.require_true(now, then, session.ask(_rollback.facts(now, then)))
        done = session.ledger.rollback(self.serial, self.because)
        session.tell(f"done, as transaction {done}; next: gnt-cluster verify")
        return 0
