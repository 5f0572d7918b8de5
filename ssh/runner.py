"""Invoke's runner over a channel without threads and polling.

Imported only by ``connection``, which is imported only inside functions: fabric is slow to load.
"""

from __future__ import annotations

import threading
import time

from fabric.runners import Remote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LINGER = 0.3  # seconds to wait for the end of output after the exit status


class FastRemote(Remote):  # type: ignore[misc]  # fabric has no types
    """The calling thread sleeps on one event that paramiko's reader sets.

    The stock runner polls every 10 ms from two threads per command, decodes each piece of output
    on its own (which tears characters apart) and can take a timeout for a success.
    """

    _slow = False
    _killed = False

    def create_io_threads(self) -> tuple[dict[Any, Any], list[str], list[str]]:
        self._slow = bool(
            self.streams["in"] or self.watchers or self.using_pty or len(self.opts["hide"]) < 2
        )
        if self._slow:
            threads: tuple[dict[Any, Any], list[str], list[str]] = super().create_io_threads()
            return threads
        self._texts: tuple[list[str], list[str]] = ([], [])
        self._event = threading.Event()
        self.channel.in_buffer.set_event(self._event)
        self.channel.in_stderr_buffer.set_event(self._event)
        return {}, *self._texts

    def wait(self) -> None:
        if self._slow:
            super().wait()
            return
        pieces: tuple[list[bytes], list[bytes]] = ([], [])
        late = 0.0
        while True:
            over = self.channel.eof_received or self.channel.closed
            self._drain(pieces)
            if over or (late and time.monotonic() > late):
                break
            if self.channel.status_event.is_set() and not late:
                late = time.monotonic() + LINGER
            self._event.wait(0.05 if late else 0.2)
            self._event.clear()
        self.channel.status_event.wait(10)
        for text, piece in zip(self._texts, pieces, strict=True):
            text.append(b"".join(piece).decode(self.encoding, "replace"))

    def _drain(self, pieces: tuple[list[bytes], list[bytes]]) -> None:
        while self.channel.recv_ready():
            pieces[0].append(self.channel.recv(1 << 20))
        while self.channel.recv_stderr_ready():
            pieces[1].append(self.channel.recv_stderr(1 << 20))

    def kill(self) -> None:
        self._killed = True  # invoke asks "has the timer ended?" while the timer still runs this
        super().kill()

    @property
    def timed_out(self) -> bool:
        return self._killed

    def returncode(self) -> int:
        status: int = self.channel.exit_status if self.channel.status_event.is_set() else -1
        return status
