"""``gnt-job list``."""

from __future__ import annotations

from gnt.query.listing import Listing
from gnt.query.tables.job import PENDING
from gnt.spec import Action, args, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from gnt.query.tables.job import JobRow
    from gnt.spec import Session


class JobList(Action, command="job list"):
    """List jobs: those under way and those of the signed history.

    Words are job numbers or one filter.  A job is ``stalled`` when the program that drove it is
    gone: ``gnt-job resume`` goes on with it and ``gnt-job undo`` takes it back.
    """

    tabular: ClassVar[bool] = True
    examples = (
        ("gnt-job list", "jobs under way and ended ones that are not archived"),
        ("gnt-job list --pending -o +start_ts", "what is under way, and since when"),
        ("gnt-job list 'status == \"error\"'", "what failed"),
    )
    output: str | None = opt(TEXT, "the fields to show; +FIELDS adds to the usual ones",
                             default=None, short="o", metavar="FIELDS")
    filter: bool = opt(BOOL, "the word is a filter, whatever it looks like", default=False,
                       short="F")
    pending: bool = opt(BOOL, "only jobs that wait or run", default=False)
    running: bool = opt(BOOL, "only jobs that run", default=False)
    error: bool = opt(BOOL, "only jobs that failed", default=False)
    finished: bool = opt(BOOL, "only jobs that ended", default=False)
    archived: bool = opt(BOOL, "archived jobs, too", default=False)
    names: tuple[str, ...] = args(TEXT, "numbers, or one filter", default=(), complete="job")

    def run(self, session: Session) -> int:
        from gnt.query.source import Objects
        from gnt.query.view import View

        listing = _Jobs(output=self.output, filter=self.filter, names=self.names)
        listing.fields()  # refuse unknown fields before anything is asked
        rows = [row for row in self._rows(session) if self._wanted(row)]
        session.show(listing.tabled(Objects("job", View(session.config()), rows)))
        return 0

    def _rows(self, session: Session) -> list[JobRow]:
        from gnt.query.tables.job import finished, pending

        jobs = session.config().jobs
        alive = session.jobs.alive([job.id for job in jobs]) if jobs else {}
        rows = [pending(job, alive=alive.get(job.id, True)) for job in jobs]
        if self.pending or self.running:
            return rows
        ended = [finished(said) for said in session.jobs.finished()]
        known = {row.id for row in ended}  # what ended since we read what is under way
        return ended + [row for row in rows if row.id not in known]

    def _wanted(self, row: JobRow) -> bool:
        if row.archived and not (self.archived or str(row.id) in self.names):
            return False
        ended = row.status not in PENDING
        states = [
            (self.pending, not ended), (self.running, row.status in PENDING[1:-1]),
            (self.error, row.status == "error"), (self.finished, ended),
        ]
        return any(match for asked, match in states if asked) or not any(
            asked for asked, _ in states)


class _Jobs(Listing):
    """The fields and rows of a list of jobs."""

    kind = "job"
    names: tuple[str, ...] = ()
