"""The client's end of a socket in the file system: how a command reaches this user's runner."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

LONGEST = 64 << 20  # bytes of a line


class Line:
    """A connection to whoever listens there; said and heard in lines."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._rest = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def line(self) -> bytes:
        """The next line with its end; what there is of it when the connection ends."""
        while b"\n" not in self._rest and len(self._rest) < LONGEST:
            more = self._socket.recv(65536)
            if not more:
                break
            self._rest += more
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    def close(self) -> None:
        self._socket.close()


def dial(address: str) -> Line | None:
    """A connection to whoever listens at ``address``; None when nobody does.

    The package around ``_socket`` costs a waiting client a megabyte and as much time as its start.
    """
    from _socket import AF_UNIX, socket

    line = socket(AF_UNIX)
    try:
        line.connect(address)
    except OSError:
        line.close()
        return None
    return Line(line)  # type: ignore[arg-type]  # the C type that socket.socket is made from
