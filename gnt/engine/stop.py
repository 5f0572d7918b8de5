"""Ctrl-C once: stop after the current step.  Twice: leave at once.  SIGTERM counts the same."""

from __future__ import annotations

from contextlib import contextmanager

from gnt.errors import Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Stop:
    """Whether the driver should stop at the next safe point, and why."""

    def __init__(self) -> None:
        self.requested = False
        self.cancelled = False
        self._leave: Interrupted | None = None

    def request(self) -> None:
        """The first request is remembered, the second breaks whatever is running."""
        if self._leave is not None:
            raise self._leave
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    @contextmanager
    def at_once(self, message: str, hint: str) -> Iterator[None]:
        """Inside, a request needs no safe point: it ends the wait with this message."""
        self._leave = Interrupted(message, hint=hint)
        try:
            yield
        finally:
            self._leave = None


@contextmanager
def on_signals(stop: Stop) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask ``stop``, and the terminal go away: nobody has asked for a stop.

    A request that came too late to stop anything in here is handed on to who listens outside, as a
    program does that runs one job after the other.  Only the main thread gets signals; in other
    threads this does nothing.
    """
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked: list[int] = []

    def ask(signum: int, frame: FrameType | None) -> None:
        asked.append(signum)
        stop.request()

    handlers = {signal.SIGINT: ask, signal.SIGTERM: ask, signal.SIGHUP: lambda *_: None}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for signum in asked[:1]:
        outer = before[signal.Signals(signum)]
        if callable(outer) and outer is not signal.default_int_handler:
            outer(signum, None)
