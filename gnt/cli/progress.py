"""How a job goes, for people: one live line on a terminal, plain lines elsewhere (stderr)."""

from __future__ import annotations

from gnt.cli.streams import said
from gnt.plan import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from gnt.engine.ports import Listener
    from gnt.errors import GntError
    from gnt.plan import Plan, Progress, Step

ERASE = "\r\x1b[K"
REDRAW = 0.1  # seconds between two pictures of the same step
LONG = 30.0  # seconds between two lines about the same step when nobody watches


def listener(out: TextIO) -> Listener:
    """The listener that fits ``out``: a dumb terminal is one that cannot take a line back."""
    import os
    import time

    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return Live(out, time.monotonic, os.get_terminal_size(out.fileno()).columns or 80)
    return Plain(out, time.monotonic)


class Plain:
    """A line when a job starts, for each step, for long steps every half minute, at the end."""

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        self.out, self.clock = out, clock
        self.total = 0
        self.began: dict[int, float] = {}
        self.said: dict[int, float] = {}
        self.last: dict[int, Progress] = {}

    def waiting(self, job: str, others: Sequence[str]) -> None:
        self._line(f"job {job} waits for {', '.join(others)}" if job else
                   f"waiting for {', '.join(others)}")

    def job_started(self, job: str, plan: Plan) -> None:
        self.total = len(plan.steps)
        self._line(f"job {job} started, {counted(self.total, 'step')}")
        for note in plan.notes:
            self._line(f"  note: {note}")

    def step_started(self, index: int, step: Step) -> None:
        self.began[index] = self.said[index] = self.clock()

    def step_progress(self, index: int, step: Step, progress: Progress) -> None:
        self.last[index] = progress
        now = self.clock()
        if now - self.said.get(index, now) >= LONG:
            self.said[index] = now
            self._line(f"{self._place(index)} {titled(step)}: {self._amount(index, progress)}")

    def step_done(self, index: int, step: Step, answer: object = None) -> None:
        told = f": {answer.told()}" if isinstance(answer, Outcome) else ""
        self._line(f"{self._place(index)} {titled(step)}{self._took(index)}{told}")

    def step_failed(self, index: int, step: Step, error: GntError) -> None:
        self._line(f"{self._place(index)} {titled(step)}: FAILED: {error.message}")

    def undoing(self, index: int, step: Step) -> None:
        self._line(f"undo   {titled(step)}")

    def job_done(self, job: str, outcome: str) -> None:
        self._line(f"job {job}: {outcome}")

    def _place(self, index: int) -> str:
        width = len(str(self.total))
        return f"[{index + 1:>{width}}/{self.total}]"

    def _took(self, index: int) -> str:
        seconds = self.clock() - self.began.get(index, self.clock())
        return f" ({span(seconds)})" if seconds >= 1 else ""

    def _amount(self, index: int, progress: Progress) -> str:
        return amount(progress, self.clock() - self.began.get(index, self.clock()))

    def _line(self, text: str) -> None:
        said(self.out, text + "\n")


class Live(Plain):
    """As :class:`Plain`, with the running step's bar on the last line of the terminal."""

    def __init__(self, out: TextIO, clock: Callable[[], float], width: int) -> None:
        super().__init__(out, clock)
        self.width = max(width, 20)
        self.drawn = float("-inf")

    def step_started(self, index: int, step: Step) -> None:
        super().step_started(index, step)
        self._draw(f"{self._place(index)} {titled(step)} …")

    def step_progress(self, index: int, step: Step, progress: Progress) -> None:
        self.last[index] = progress
        if self.clock() - self.drawn < REDRAW:
            return
        self.drawn = self.clock()
        text = f"{self._place(index)} {titled(step)}"
        self._draw(f"{text} {bar(progress)} {self._amount(index, progress)}".rstrip())

    def _draw(self, text: str) -> None:
        said(self.out, ERASE + text[: self.width - 1])

    def _line(self, text: str) -> None:
        said(self.out, ERASE + text + "\n")


def titled(step: Step) -> str:
    return step.title or str(step.do)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def bar(progress: Progress, width: int = 20) -> str:
    """A bar of ``width`` characters; nothing when the total is not known."""
    if progress.total <= 0:
        return ""
    full = min(width, width * progress.done // progress.total)
    return "[" + "#" * full + "." * (width - full) + "]"


def amount(progress: Progress, seconds: float) -> str:
    """How much of how much, how fast, and how long it will take."""
    if progress.total <= 0:
        return f"{sized(progress.done, progress.unit)}" if progress.done else progress.what
    text = f"{sized(progress.done, progress.unit)} of {sized(progress.total, progress.unit)}"
    if seconds >= 1 and 0 < progress.done < progress.total:
        left = seconds * (progress.total - progress.done) / progress.done
        text += f", {span(left)} left"
    return text


def sized(number: int, unit: str) -> str:
    """A number with its unit; bytes with a prefix."""
    if unit != "B":
        return f"{number} {unit}"
    value = float(number)
    for prefix in ("", "Ki", "Mi", "Gi"):
        if value < 1024:
            return f"{value:.0f} {prefix}B" if not prefix else f"{value:.1f} {prefix}B"
        value /= 1024
    return f"{value:.1f} TiB"


def span(seconds: float) -> str:
    """``9s``, ``3m20s``, ``2h05m``."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
