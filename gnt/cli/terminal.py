"""The person at the other end: data on stdout, messages on stderr, questions on the terminal."""

from __future__ import annotations

import sys
import time

from gnt.cli.render import render
from gnt.cli.streams import put, said
from gnt.errors import ConfirmationNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gnt.cli.general import Layout
    from gnt.engine.ports import Listener
    from gnt.spec import Document, Lines, Settings, Table

CHOICES = "  y  yes, go on\n  n  no, change nothing (also anything else, or just Enter)"
CHOICE_VIEW = "\n  v  view what is affected, then ask again"


class Terminal:
    """The front end that the session speaks through (``gnt.engine.ports.Front``)."""

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self.settings = settings
        self.layout = layout
        self._listener: Listener | None = None
        self._began = time.monotonic()

    @property
    def listener(self) -> Listener:
        """Shows how a job goes: live on a terminal, line by line elsewhere."""
        if self._listener is None:
            from gnt.cli.progress import listener

            self._listener = listener(sys.stderr)
        return self._listener

    def seconds(self) -> float:
        """Since this command line was understood."""
        return time.monotonic() - self._began

    def show(self, answer: Table | Document | Lines) -> None:
        put(render(answer, self.layout))
        for problem in answer.problems:
            self.tell(problem)

    def tell(self, message: str) -> None:
        said(sys.stdout, "")  # what cannot be shown is reported at the end
        said(sys.stderr, message + "\n")

    def confirm(self, question: str, affected: Sequence[str] = ()) -> None:
        if self.settings.yes:
            return
        if not sys.stdin.isatty():
            raise ConfirmationNeeded(f"{question} Nobody is there to say yes.",
                                     hint="add --yes if you are sure")
        choices = "y/N/v/?" if affected else "y/N/?"
        while True:
            answer = self._answer(f"{question} [{choices}] ")
            if answer == "?":
                self.tell(CHOICES + (CHOICE_VIEW if affected else ""))
            elif answer == "v" and affected:
                self.tell("\n".join(f"  {line}" for line in affected))
            elif answer in ("y", "yes"):
                return
            else:
                raise ConfirmationNeeded("not confirmed; nothing was changed")

    def _answer(self, prompt: str) -> str:
        sys.stdout.flush()
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower()

    def lines(self) -> Iterator[str]:
        for line in sys.stdin:
            yield line.rstrip("\n")
