"""One thread reads for all connections on which nothing but the output of kept shells is due."""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from typing import Protocol

    class Source(Protocol):
        def fileno(self) -> int: ...

        def pump(self) -> bool:
            """Take in what is there, without waiting; false: its own thread has to look."""

        def pass_on(self) -> None:
            """Wake its own thread."""


LINGER = 10.0  # seconds without anything to watch after which the thread ends


class Reader:
    """Watches connections that rest; a connection has one reader at a time, this or its own."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: after a fork, which threads do not survive."""
        import threading

        self._lock = threading.RLock()
        self._sources: dict[int, Source] = {}
        self._epoll: select.epoll | None = None  # while the thread runs

    def watch(self, source: Source) -> None:
        """Read for it from now on, until it is recalled or :meth:`Source.pump` is false."""
        import select
        import threading

        with self._lock:
            if self._epoll is None:
                self._epoll = select.epoll()
                threading.Thread(target=self._work, args=(self._epoll,), daemon=True).start()
            number = source.fileno()
            try:
                self._epoll.register(number, select.EPOLLIN)
            except (OSError, ValueError):  # it was closed meanwhile
                source.pass_on()
            else:
                self._sources[number] = source

    def recall(self, source: Source) -> None:
        """Let its own thread read again, if it rests."""
        with self._lock:
            self._drop(source.fileno(), source)

    def _drop(self, number: int, source: Source) -> None:
        if self._sources.get(number) is source and self._epoll is not None:
            del self._sources[number]
            with contextlib.suppress(OSError):  # it was closed meanwhile
                self._epoll.unregister(number)
            source.pass_on()

    def _work(self, epoll: select.epoll) -> None:
        while True:
            events = epoll.poll(LINGER)
            with self._lock:
                for number, _ in events:
                    source = self._sources.get(number)
                    if source is not None and not source.pump():
                        self._drop(number, source)
                if not events and not self._sources:
                    self._epoll = None
                    epoll.close()
                    return
