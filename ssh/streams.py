"""A command's standard input and output as one ordinary socket."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Callable
    from typing import Protocol, Self

    import paramiko

    class Duplex(Protocol):
        """A command that is fed and then asked how it ended."""

        def __enter__(self) -> Self: ...

        def __exit__(self, *_: object) -> None: ...

        def write(self, data: bytes) -> None: ...

        def finish(self) -> tuple[int | None, bytes]:
            """Its exit status (None: it was lost) and what it said on stderr."""

PIECE = 1 << 18
STALLED = 30.0  # seconds without any progress


class Remote:
    """A ``Duplex`` over an SSH channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        channel.settimeout(STALLED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def write(self, data: bytes) -> None:
        self._channel.sendall(data)

    def finish(self) -> tuple[int | None, bytes]:
        channel, said = self._channel, b""
        _quietly(channel.shutdown_write)
        try:
            while piece := channel.recv_stderr(PIECE):
                said += piece
        except OSError:
            return None, said
        channel.status_event.wait(STALLED)
        return (None if channel.exit_status < 0 else channel.exit_status), said


class Local:
    """A ``Duplex`` over pipes."""

    def __init__(self, words: tuple[str, ...]) -> None:
        import subprocess

        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def finish(self) -> tuple[int | None, bytes]:
        assert self._process.stdin is not None and self._process.stderr is not None
        _quietly(self._process.stdin.close)
        said = self._process.stderr.read()
        return self._process.wait(), said


def over_process(words: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A local command with a socket as its stdin and stdout."""
    import socket
    import subprocess

    near, far = socket.socketpair()
    with far:
        process = subprocess.Popen(words, stdin=far.fileno(), stdout=far.fileno(),
                                   stderr=subprocess.DEVNULL, start_new_session=True)
    return process, near


def over_channel(channel: paramiko.Channel) -> socket.socket:
    """A socket whose other end two threads pump to and from an SSH channel."""
    import socket
    import threading

    near, far = socket.socketpair()

    def outward() -> None:
        _pump(far.recv, channel.sendall)
        _quietly(channel.shutdown_write)

    def inward() -> None:
        _pump(channel.recv, far.sendall)
        _quietly(lambda: far.shutdown(socket.SHUT_RDWR))
        far.close()

    for work in (outward, inward):
        threading.Thread(target=work, daemon=True).start()
    return near


def _pump(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    try:
        while data := read(PIECE):
            write(data)
    except (OSError, EOFError):
        return  # either side ended: the caller passes the end on


def _quietly(close: Callable[[], object]) -> None:
    try:
        close()
    except (OSError, EOFError):
        return
