"""The two ends a kept shell may hang on: an SSH channel, or the pipes of a local process."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Any, Protocol

    import paramiko

    from gnt.ssh.wire import Packets

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


CREDIT = 64 << 10  # bytes; sshd starts with 2 MiB
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
    """A shell at the other end of an SSH channel; its output comes straight from the packets."""

    def __init__(self, channel: paramiko.Channel) -> None:
        import threading

        self._channel = channel
        self._outbox = Outbox(channel.sendall, channel.close)
        self._came: tuple[list[bytes], list[bytes]] = ([], [])
        self._lock = threading.Lock()
        self._straight = False  # nothing more comes through the channel's own buffers
        self._taken = 0  # bytes for which sshd was not given credit
        self._wake: Callable[[], None] = lambda: None
        packets: Packets = channel.get_transport().packetizer  # type: ignore[assignment]  # ours
        self._packets, self._name = packets, channel.chanid.to_bytes(4, "big")
        packets.sinks[self._name] = self._hear

    def send(self, data: bytes) -> None:
        self._outbox.send(data, direct=True)

    def take(self) -> tuple[bytes, bytes]:
        with self._lock:
            came, self._came = self._came, ([], [])
        out, err = b"".join(came[0]), b"".join(came[1])
        self._credit(len(out) + len(err))
        if self._straight:
            return out, err
        self._straight = bool(out or err)
        channel = self._channel
        return (_drained(channel.recv_ready, channel.recv) + out,
                _drained(channel.recv_stderr_ready, channel.recv_stderr) + err)

    def _hear(self, stream: int, data: bytes) -> None:
        """From any thread: something has come."""
        with self._lock:
            self._came[stream].append(data)
        self._wake()

    def _credit(self, size: int) -> None:
        """What ``Channel.recv`` does for bytes it hands out: let sshd send as many more."""
        self._taken += size
        if self._taken < CREDIT:
            return
        from paramiko.common import cMSG_CHANNEL_WINDOW_ADJUST
        from paramiko.message import Message

        channel: Any = self._channel  # what it calls here is private
        more = channel._check_add_window(self._taken)
        self._taken = 0
        if more:
            message = Message()
            message.add_byte(cMSG_CHANNEL_WINDOW_ADJUST)
            message.add_int(channel.remote_chanid)
            message.add_int(more)
            channel.transport._send_user_message(message)

    @property
    def closed(self) -> bool:
        channel = self._channel
        return bool(channel.closed or channel.eof_received) and not any(self._came)

    def wake(self, call: Callable[[], None]) -> None:
        self._wake = call
        bell: object = _Bell(call)
        self._channel.in_buffer.set_event(bell)  # type: ignore[arg-type]  # anything with set()
        self._channel.in_stderr_buffer.set_event(bell)  # type: ignore[arg-type]  # likewise

    def close(self) -> None:
        self._outbox.close()
        self._packets.sinks.pop(self._name, None)
        if not self._packets.over:
            self._channel.close()


def _drained(ready: Callable[[], bool], recv: Callable[[int], bytes]) -> bytes:
    found = []
    while ready():
        found.append(recv(1 << 20))
    return b"".join(found)
