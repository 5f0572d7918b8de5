"""Ended jobs, as the signed history tells of them.  No record of them is kept anywhere else.

A job's first transaction has its own serial as the id and puts ``jobs/<id>``; its last one drops
it and says the result.  Archiving hides jobs from lists: a transaction without edits that names
them, so that every admin sees the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

ARCHIVE = "job archive"


def finished(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ended jobs, newest first, of transactions that come newest first."""
    ended: dict[str, dict[str, Any]] = {}
    archived: set[str] = set()
    for txn in history:
        if txn["operation"] == ARCHIVE:
            archived.update(str(txn.get("note", "")).split())
        serial, job = str(txn["serial"]), str(txn.get("job", ""))
        if job and txn.get("result"):
            ended[job] = {
                "id": job, "operation": txn["operation"], "author": txn["who"],
                "reason": txn.get("reason", ""), "result": txn["result"], "began": None,
                "ended": txn.get("time"), "archived": job in archived,
            }
        elif serial in ended:
            ended[serial]["began"] = txn.get("time")
        elif not job and txn.get("result"):  # one transaction did it all
            ended[serial] = {
                "id": serial, "operation": txn["operation"], "author": txn["who"],
                "reason": txn.get("reason", ""), "result": txn["result"],
                "began": txn.get("time"), "ended": txn.get("time"), "archived": serial in archived,
            }
    return list(ended.values())
