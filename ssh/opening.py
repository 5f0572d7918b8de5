"""Opening the lanes of many nodes at once.

TCP connections are begun for all nodes together and watched by one thread, so that dead hosts cost
no more than a socket; at most :data:`THREADS` threads do what costs CPU, the key exchange and the
login.  See man/adr/0021-tuned-connections.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Iterable
    from queue import SimpleQueue

    from gnt.ssh.peers import Peer
    from gnt.ssh.shell import Shell

    Report = Callable[[str, Shell | BaseException], None]

THREADS = 32


class Opening:
    """Each peer is reported once: with its shell, or with what went wrong.

    Those that do not answer at all are not reported: whoever waits gives them up (``due``).
    """

    def __init__(
        self, peers: Iterable[Peer], lane: str, report: Report, *, connect: float,
    ) -> None:
        import queue
        import select
        import threading
        import time

        self._lane, self._report, self._connect = lane, report, connect
        self._ready: SimpleQueue[Peer | None] = queue.SimpleQueue()
        self._begun: dict[str, float] = {}
        self._threads = 0
        poll = select.poll()
        knocked: dict[int, Peer] = {}
        for peer in peers:
            self._threads = min(THREADS, self._threads + 1)
            if (door := peer.knock()) is None:
                self._ready.put(peer)
            else:
                self._begun[peer.name] = time.monotonic()
                poll.register(door, select.POLLOUT)
                knocked[door.fileno()] = peer
        for _ in range(self._threads):
            threading.Thread(target=self._work, daemon=True).start()
        if knocked:
            threading.Thread(target=self._watch, args=(poll, knocked), daemon=True).start()
        else:
            self._end()

    def due(self, name: str) -> float:
        """When a peer has used up its time; not before it is its turn."""
        import time

        return self._begun.get(name, time.monotonic()) + self._connect

    def _watch(self, poll: select.poll, knocked: dict[int, Peer]) -> None:
        """Pass on every peer whose TCP connection is there, or has failed."""
        import time

        end = time.monotonic() + self._connect
        while knocked and (left := end - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                poll.unregister(number)
                peer = knocked.pop(number)
                self._begun.pop(peer.name, None)
                self._ready.put(peer)
        self._end()

    def _end(self) -> None:
        for _ in range(self._threads):
            self._ready.put(None)

    def _work(self) -> None:
        import time

        while (peer := self._ready.get()) is not None:
            self._begun[peer.name] = time.monotonic()
            try:
                self._report(peer.name, peer.open(self._lane))
            except BaseException as error:  # noqa: BLE001 - reported to the main thread
                self._report(peer.name, error)
