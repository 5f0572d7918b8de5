"""A front end without a person: the runner's.  What happens is in the job's log and the history."""

from __future__ import annotations

import sys

from gnt.errors import ConfirmationNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.engine.ports import Listener
    from gnt.errors import GntError
    from gnt.plan import Plan, Progress, Step
    from gnt.spec import Document, Lines, Table


class Quiet:
    """``ports.Front`` and ``ports.Listener``: messages go to the log, questions get no yes."""

    @property
    def listener(self) -> Listener:
        return self

    def show(self, answer: Table | Document | Lines) -> None:
        """Nobody looks."""

    def tell(self, message: str) -> None:
        sys.stderr.write(message + "\n")
        sys.stderr.flush()

    def confirm(self, question: str, affected: Sequence[str] = ()) -> None:
        raise ConfirmationNeeded(f"{question} Nobody is there to say yes.")

    def lines(self) -> Iterator[str]:
        return iter(())

    def waiting(self, job: str, others: Sequence[str]) -> None:
        """Recorded in the job's state."""

    def job_started(self, job: str, plan: Plan) -> None:
        """Recorded in the job's state."""

    def step_started(self, index: int, step: Step) -> None:
        """Written to the job's log on the master."""

    def step_progress(self, index: int, step: Step, progress: Progress) -> None:
        """Nobody looks."""

    def step_done(self, index: int, step: Step, answer: object = None) -> None:
        """Nobody looks."""

    def step_failed(self, index: int, step: Step, error: GntError) -> None:
        self.tell(f"{step}: {error}")

    def undoing(self, index: int, step: Step) -> None:
        """Written to the job's log on the master."""

    def job_done(self, job: str, outcome: str) -> None:
        self.tell(f"job {job}: {outcome}")
