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

    Report = Callable[[Peer, "Opening", Shell | BaseException], None]

THREADS = 32
TCP = 4.0  # seconds for a TCP connection: three attempts of the kernel, after 0, 1 and 3 s


class Opening:
    """Each peer is reported once: with its shell, or with what went wrong.

    Those that accept the connection and then say nothing may not be reported: whoever waits gives
    them up (``due``).
    """

    def __init__(
        self, peers: Iterable[Peer], lane: str, report: Report, *, connect: float,
    ) -> None:
        """``connect``: seconds for a connection in all."""
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

    def since(self, name: str) -> float:
        """When the time of a peer began to run; not before it is its turn."""
        import time

        return self._begun.get(name, time.monotonic())

    def _watch(self, poll: select.poll, knocked: dict[int, Peer]) -> None:
        """Pass on every peer whose TCP connection is there, or has failed."""
        import time

        allowed = min(TCP, self._connect)
        end = time.monotonic() + allowed
        while knocked and (left := end - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                poll.unregister(number)
                self._answered(knocked.pop(number))
        for peer in knocked.values():
            self._failed(peer, f"nothing answered there in {allowed:g} s")
        self._end()

    def _answered(self, peer: Peer) -> None:
        """A connection is there, or the kernel says why there is none."""
        import os

        self._begun.pop(peer.name, None)
        problem = peer.refused()
        if problem:
            self._failed(peer, os.strerror(problem))
        else:
            self._ready.put(peer)

    def _failed(self, peer: Peer, why: str) -> None:
        from gnt.ssh.peers import RemotePeer, unreachable

        assert isinstance(peer, RemotePeer)
        failure = unreachable(peer.target, why)
        peer.rest(failure)
        peer.forget_knock()
        self._report(peer, self, failure)

    def _end(self) -> None:
        for _ in range(self._threads):
            self._ready.put(None)

    def _work(self) -> None:
        import time

        while (peer := self._ready.get()) is not None:
            self._begun[peer.name] = time.monotonic()
            try:
                self._report(peer, self, peer.open(self._lane))
            except BaseException as error:  # noqa: BLE001 - reported to the main thread
                self._report(peer, self, error)
