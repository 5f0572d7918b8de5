"""gnt-cluster config log."""

from __future__ import annotations

from itertools import islice

from gnt.commands._show import stamp
from gnt.commands.cluster._objects import Names
from gnt.spec import Action, Column, Table, opt
from gnt.values import TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.spec import Session

FURTHER = 200  # transactions before those shown, in which names of dropped objects are looked up
COLUMNS = (
    Column(name="serial", title="Serial", kind="number"),
    Column(name="time", title="Time"),
    Column(name="who", title="Who"),
    Column(name="signer", title="Signer"),
    Column(name="operation", title="Operation"),
    Column(name="job", title="Job"),
    Column(name="changes", title="Changes"),
    Column(name="reason", title="Reason"),
)


class ConfigLog(Action, command="cluster config log"):
    """Show who changed what, newest first.

    Every change of the cluster is one signed transaction.  The history goes back as far as the
    candidates keep it.
    """

    tabular = True
    examples = (("gnt-cluster config log -n 20", "the last twenty changes"),
                ("gnt-cluster config log --path instances/", "changes of instances only"))

    newest: int = opt(whole(1), "how many to show", default=50, short="-n")
    path: str = opt(TEXT, "only changes of objects whose path begins like this", default="")

    def run(self, session: Session) -> int:
        chosen: list[Mapping[str, Any]] = []
        history = session.ledger.log()
        for txn in history:
            if len(chosen) == self.newest:
                break
            if any(path.startswith(self.path) for path in _paths(txn)) or not self.path:
                chosen.append(txn)
        names = Names(session.known(), [*chosen, *islice(history, FURTHER)])
        session.show(Table(columns=COLUMNS, rows=tuple(_row(txn, names) for txn in chosen)))
        return 0


def _paths(txn: Mapping[str, Any]) -> list[str]:
    return [put["path"] for put in txn["put"]] + list(txn["drop"])


def _row(txn: Mapping[str, Any], names: Names) -> tuple[Any, ...]:
    touched = [names.of(put["path"]) for put in txn["put"]]
    touched += [f"-{names.of(path)}" for path in txn["drop"]]
    shown = ", ".join(touched[:3]) + (f" and {len(touched) - 3} more" if len(touched) > 3 else "")
    return (txn["serial"], stamp(txn["time"]), txn["who"], txn["signer"], txn["operation"],
            txn["job"], shown, txn["reason"] or ("" if txn["result"] else txn["note"]))
