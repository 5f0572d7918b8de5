"""Fields of jobs: those under way, and those that the signed history tells of."""

from __future__ import annotations

from gnt.query.cells import UNAVAIL
from gnt.query.field import Field, attribute, tabled
from gnt.query.summary import about, opcode
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gnt.model.objects import Job

DEFAULT = ("id", "status", "summary")
PENDING = ("waiting", "running", "settling", "undoing", "stalled")


class JobRow(Record):
    """A job as lists show it.  ``status``: waiting, running, settling, undoing (under way),
    stalled (its driver is gone: resume or undo it), success, error, canceled."""

    id: int
    status: str
    operation: str
    params: Mapping[str, object] = {}
    author: str = ""
    reason: str = ""
    priority: int = 0
    received: float | None = None
    started: float | None = None
    ended: float | None = None
    result: str = ""
    archived: bool = False
    about: str = ""  # what it is about, where no parameters were recorded


def pending(job: Job, *, alive: bool) -> JobRow:
    """The row of a job under way."""
    return JobRow(
        id=int(job.id), status=job.state if alive or job.state == "waiting" else "stalled",
        operation=job.operation, params=job.params, author=job.author, reason=job.reason,
        priority=job.priority, received=job.received or None, started=job.started or None)


def finished(said: Mapping[str, Any]) -> JobRow:
    """The row of a job from history (``gnt.spec.Jobs.finished``)."""
    result = str(said.get("result", ""))
    status = {"success": "success", "cancelled": "canceled"}.get(result, "error")
    return JobRow(
        id=int(said["id"]), status=status, operation=str(said.get("operation", "")),
        params=said.get("params", {}), author=str(said.get("author", "")),
        reason=str(said.get("reason", "")), result=result, received=said.get("began"),
        priority=int(said.get("priority", 0)), started=said.get("started") or said.get("began"),
        ended=said.get("ended"), archived=bool(said.get("archived", False)),
        about=str(said.get("about", "")))


def _time(name: str) -> Callable[[Any, Any], Any]:
    def get(_: Any, row: Any) -> Any:
        value = getattr(row, name)
        return UNAVAIL if value is None else value

    return get


def _each(name: str) -> Callable[[Any, Any], Any]:
    """A list of one: a job is one operation."""
    def get(_: Any, row: Any) -> Any:
        value = getattr(row, name)
        return [] if value is None else [value]

    return get


def summary(row: JobRow) -> str:
    """The operation and what it is about: ``INSTANCE_CREATE(web1)``."""
    subject = row.about or about(row.operation, row.params)
    return f"{opcode(row.operation)}({subject})" if subject else opcode(row.operation)


FIELDS = tabled(
    Field("archived", "Archived", "bool", "Whether it is hidden from lists",
          attribute("archived")),
    Field("end_ts", "End", "timestamp", "When it ended", _time("ended")),
    Field("id", "ID", "number", "Its number", attribute("id")),
    Field("opend", "OpCode_end", "other", "When its operation ended", _each("ended")),
    Field("opexec", "OpCode_exec", "other", "When its operation began to run", _each("started")),
    Field("oplog", "OpCode_log", "other", "What its operation said", lambda v, j: []),
    Field("oppriority", "OpCode_prio", "other", "The priority of its operation",
          _each("priority")),
    Field("opresult", "OpCode_result", "other", "The result of its operation", _each("result")),
    Field("ops", "OpCodes", "other", "Its operation with all parameters",
          lambda v, j: [{"OP_ID": f"OP_{opcode(j.operation)}", "operation": j.operation,
                        **j.params}]),
    Field("opstart", "OpCode_start", "other", "When its operation was received",
          _each("received")),
    Field("opstatus", "OpCode_status", "other", "The state of its operation", _each("status")),
    Field("priority", "Priority", "number", "Its priority: -20 is first, 19 is last",
          attribute("priority")),
    Field("received_ts", "Received", "timestamp", "When it was received", _time("received")),
    Field("start_ts", "Start", "timestamp", "When it began to run", _time("started")),
    Field("status", "Status", "text",
          "waiting, running, settling (past the point of no return), undoing, stalled (its driver "
          "is gone), success, error or canceled", attribute("status")),
    Field("summary", "Summary", "other", "What it does, in short",
          lambda v, j: [summary(j)]),
)
