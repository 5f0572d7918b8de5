"""A kept shell on this machine: the driver's own node needs no SSH."""

from __future__ import annotations

from gnt.ssh.links import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class PipeLink:
    """A local ``/bin/sh``, in a session of its own so that Ctrl-C does not reach it."""

    def __init__(self, argv: tuple[str, ...] = ("/bin/sh",)) -> None:
        import subprocess
        import threading

        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, start_new_session=True,
        )
        self._lock = threading.Lock()
        self._came: tuple[list[bytes], list[bytes]] = ([], [])
        self._open = 2
        self._given_up = False
        self._wake: Callable[[], None] = lambda: None
        self._outbox = Outbox(self._write, self._end)
        for which in (0, 1):
            threading.Thread(target=self._read, args=(which,), daemon=True).start()

    def send(self, data: bytes) -> None:
        self._outbox.send(data, direct=False)

    def take(self) -> tuple[bytes, bytes]:
        with self._lock:
            out, err = b"".join(self._came[0]), b"".join(self._came[1])
            self._came[0].clear()
            self._came[1].clear()
        return out, err

    @property
    def closed(self) -> bool:
        with self._lock:
            return not self._open and not any(self._came)

    def wake(self, call: Callable[[], None]) -> None:
        self._wake = call
        call()

    def close(self) -> None:
        """End the shell; what it runs goes on, as on a remote node, with nobody to print to."""
        self._given_up = True
        self._outbox.close()
        self._end()

    def _read(self, which: int) -> None:
        import os

        process = self._process
        assert process.stdout is not None and process.stderr is not None
        source = (process.stdout, process.stderr)[which]
        while data := os.read(source.fileno(), 1 << 18):
            if self._given_up:  # else an endless command would fill the memory
                source.close()
                break
            with self._lock:
                self._came[which].append(data)
            self._wake()
        with self._lock:
            self._open -= 1
            last = not self._open
        self._wake()
        if last:
            process.wait()

    def _write(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        view = memoryview(data)
        while view:
            view = view[stdin.write(view) or 0:]

    def _end(self) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            try:
                stdin.close()
            except OSError:
                return
