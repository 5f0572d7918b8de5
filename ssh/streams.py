"""A command's standard input and output as one ordinary socket."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Callable

    import paramiko

PIECE = 1 << 18


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
