"""Reading the history: it is the audit log."""

from __future__ import annotations

from gnt.config import journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.config.journal import Entry, Txn
    from gnt.config.replica import Replica


def transactions(replica: Replica, newest: int | None) -> Iterator[Mapping[str, Any]]:
    """The transactions of the replica's journal, newest first, as plain data."""
    entries, _ = journal.split(replica.content()[1], "journal")
    for entry in reversed(entries if newest is None else entries[-newest:]):
        yield plain(entry, journal.parse(entry, "journal"))


def plain(entry: Entry, txn: Txn) -> dict[str, Any]:
    """A transaction with its serial and hash."""
    return {"serial": entry.serial, "hash": entry.hash, **dict(txn.items())}
