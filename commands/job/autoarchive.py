"""gnt-job autoarchive."""

from __future__ import annotations

from gnt.spec import Action, arg
from gnt.values import DURATION, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session

AGE: Kind[int] = Kind(
    lambda text: 0 if text == "all" else DURATION.read(text), "AGE",
    "a time (seconds, or with m, h, d, w), or all")


class Autoarchive(Action, command="job autoarchive"):
    """Hide the jobs that ended longer ago than AGE from gnt-job list, for every admin."""

    examples = (("gnt-job autoarchive 1w", "all that ended more than a week ago"),
                ("gnt-job autoarchive all", "all that ended"))

    age: int = arg(AGE, "how long ago they ended at least, or all")

    def run(self, session: Session) -> int:
        number = session.jobs.autoarchive(self.age)
        session.tell(f"{number} job{'' if number == 1 else 's'} archived")
        return 0
