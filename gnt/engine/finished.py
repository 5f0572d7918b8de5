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
            ended[job] = _ended(job, txn, archived)
        elif (job or serial) in ended:
            _complete(ended[job or serial], txn)
        elif not job and txn.get("result"):  # one transaction did it all
            ended[serial] = {**_ended(serial, txn, archived), "began": txn.get("time"),
                             "about": txn.get("note", "")}
    return list(ended.values())


def _ended(job: str, txn: Mapping[str, Any], archived: set[str]) -> dict[str, Any]:
    return {
        "id": job, "operation": txn["operation"], "author": txn["who"],
        "reason": txn.get("reason", ""), "result": txn["result"], "began": None,
        "ended": txn.get("time"), "archived": job in archived, "params": {}, "about": "",
    }


def _complete(ended: dict[str, Any], txn: Mapping[str, Any]) -> None:
    """What an earlier transaction of the job knows: its record, and when it began."""
    ended["began"] = txn.get("time")  # the earliest is met last
    record = next((put["value"] for put in txn.get("put", ())
                   if put["path"] == f"jobs/{ended['id']}"), None)
    if record is not None and "priority" not in ended:
        ended |= {"params": record.get("params", {}), "priority": record.get("priority", 0),
                  "started": record.get("started") or None}
