"""gnt-cluster config show."""

from __future__ import annotations

from gnt.commands._show import drop_empty, stamp
from gnt.spec import Action, Document, arg
from gnt.values import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigShow(Action, command="cluster config show"):
    """Show one transaction: who, why, and every object it put or dropped.

    The serial is also the id of the job that the transaction began.
    """

    examples = (("gnt-cluster config show 42", "transaction 42"),)

    serial: int = arg(whole(1), "serial of the transaction")

    def run(self, session: Session) -> int:
        txn = session.ledger.show(self.serial)
        session.show(Document(content=drop_empty({
            "serial": txn["serial"],
            "term": txn["term"],
            "time": stamp(txn["time"]),
            "who": txn["who"],
            "signer": f"{txn['signer']} ({txn['fingerprint']})",
            "operation": txn["operation"],
            "job": txn["job"],
            "reason": txn["reason"],
            "note": txn["note"],
            "result": txn["result"],
            "put": {put["path"]: put["value"] for put in txn["put"]},
            "drop": txn["drop"],
            "follows": txn["prev"],
            "hash": txn["hash"],
        })))
        return 0
