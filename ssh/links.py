"""The two ends a kept shell may hang on: an SSH channel, or the pipes of a local process."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Protocol

    import paramiko

    class Link(Protocol):
        """Bytes to and from one shell.  Nothing here blocks for longer than a copy."""

        def send(self, data: bytes) -> None:
            """Hand over bytes; a failure shows as ``closed`` later."""

        def take(self) -> tuple[bytes, bytes]:
            """What came on its stdout and stderr since the last time."""

        @property
        def closed(self) -> bool:
            """Nothing more will come."""

        def wake(self, call: Callable[[], None]) -> None:
            """Call this (from any thread) whenever there may be something to take."""

        def close(self) -> None: ...


DIRECT = 32 << 10  # bytes that fit into any window or socket buffer: sent without a thread


class Outbox:
    """Writes in order; what may block is written by a thread of its own."""

    def __init__(self, write: Callable[[bytes], None], failed: Callable[[], None]) -> None:
        self._write = write
        self._failed = failed
        self._queue: SimpleQueue[bytes | None] | None = None

    def send(self, data: bytes, *, direct: bool) -> None:
        if direct and self._queue is None and len(data) <= DIRECT:
            self._attempt(data)
            return
        if self._queue is None:
            import queue
            import threading

            self._queue = queue.SimpleQueue()
            threading.Thread(target=self._drain, daemon=True).start()
        self._queue.put(data)

    def close(self) -> None:
        if self._queue is not None:
            self._queue.put(None)

    def _drain(self) -> None:
        assert self._queue is not None
        while (data := self._queue.get()) is not None:
            self._attempt(data)

    def _attempt(self, data: bytes) -> None:
        try:
            self._write(data)
        except (OSError, EOFError):
            self._failed()


class _Bell:
    """Looks like the Event that paramiko's buffers set when data or the end arrives."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.set = call

    def clear(self) -> None: ...

    def is_set(self) -> bool:
        return False

    isSet = is_set


class ChannelLink:
    """A shell at the other end of an SSH channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._outbox = Outbox(channel.sendall, channel.close)

    def send(self, data: bytes) -> None:
        self._outbox.send(data, direct=True)

    def take(self) -> tuple[bytes, bytes]:
        channel, out, err = self._channel, [], []
        while channel.recv_ready():
            out.append(channel.recv(1 << 20))
        while channel.recv_stderr_ready():
            err.append(channel.recv_stderr(1 << 20))
        return b"".join(out), b"".join(err)

    @property
    def closed(self) -> bool:
        channel = self._channel
        return bool(channel.closed or channel.eof_received) and not (
            channel.recv_ready() or channel.recv_stderr_ready()
        )

    def wake(self, call: Callable[[], None]) -> None:
        bell: object = _Bell(call)
        self._channel.in_buffer.set_event(bell)  # type: ignore[arg-type]  # anything with set()
        self._channel.in_stderr_buffer.set_event(bell)  # type: ignore[arg-type]  # likewise

    def close(self) -> None:
        self._outbox.close()
        self._channel.close()
