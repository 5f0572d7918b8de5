"""Batches to many nodes at once: bounded connecting, one queue, a deadline for each and for all."""

from __future__ import annotations

from gnt.errors import GntError, NodeFailed
from gnt.ssh.opening import THREADS, Opening
from gnt.ssh.peers import RemotePeer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    from gnt.ssh.framing import Batch
    from gnt.ssh.peers import Peer
    from gnt.ssh.shell import Pending, Shell

    Outcome = Pending | NodeFailed
    Event = Shell | Callable[[], None]

def dispatch(event: Event) -> None:
    """A shell has something to read, or a thread something to say."""
    from gnt.ssh.shell import Shell

    if isinstance(event, Shell):
        event.feed()
    else:
        event()


class Fanout:
    """One phase: a batch for each of some nodes on one lane; :meth:`collect` returns what came."""

    def __init__(
        self, queue: SimpleQueue[Event], lane: str, *, connect: float, whole: float,
    ) -> None:
        """``whole``: seconds for all of it, once connected; ``connect``: for each connection."""
        import time

        self._queue = queue
        self._lane = lane
        self._connect = connect
        self._end = time.monotonic() + whole
        self._peers: dict[str, Peer] = {}
        self._batches: dict[str, Batch] = {}
        self._running: dict[str, Pending] = {}
        self._opening: set[str] = set()
        self._doors: Opening | None = None
        self._due = 0.0
        self.outcomes: dict[str, Outcome] = {}

    def start(self, peers: Mapping[str, Peer], batches: Mapping[str, Batch]) -> None:
        """Write to every shell that is open and begin to open the others."""
        self._peers, self._batches = dict(peers), dict(batches)
        waiting = []
        for name, batch in batches.items():
            peer = peers[name]
            shell = peer.ready(self._lane)
            resting = peer.resting()
            if shell is not None:
                self._submit(name, shell, batch)
            elif resting is not None:
                self.outcomes[name] = resting
            else:
                waiting.append(peer)
        self._opening = {peer.name for peer in waiting}
        self._end += self._connect * (1 + len(waiting) // THREADS)
        self._doors = Opening(
            waiting, self._lane, connect=self._connect,
            report=lambda name, shell: self._queue.put(lambda: self._begin(name, shell)),
        )

    def collect(self) -> dict[str, Outcome]:
        """Wait until every node has answered, failed, or used up its time.

        When this is interrupted (Ctrl-C), what runs goes on as an orphan under its fence, and the
        next phase gets other shells.
        """
        try:
            while self._opening or self._running:
                self._listen()
        except BaseException:
            for name in list(self._running):
                self._peers[name].drop(self._lane)
            raise
        return self.outcomes

    def settle(self) -> None:
        """Wait until every batch is written, so that later ones come after it."""
        while self._opening:
            self._listen()

    def _listen(self) -> None:
        import queue
        import time

        try:
            dispatch(self._queue.get_nowait())
            return
        except queue.Empty:
            wait = self._due - time.monotonic()  # a lower bound: found anew when it has passed
        try:
            dispatch(self._queue.get(timeout=max(0.0, min(wait, 3600.0))))
        except queue.Empty:
            self._expire(time.monotonic())

    @property
    def unfinished(self) -> bool:
        """Whether :meth:`collect` would still wait for something."""
        return bool(self._opening or self._running)

    def hurry(self, seconds: float) -> None:
        """Allow this phase no more than ``seconds`` from now."""
        import time

        self._end = min(self._end, time.monotonic() + seconds)
        self._due = min(self._due, self._end)

    def _begin(self, name: str, shell: Shell | BaseException) -> None:
        if name not in self._opening:
            return  # it used up its time before
        self._opening.discard(name)
        if isinstance(shell, NodeFailed):
            self.outcomes[name] = shell
        elif isinstance(shell, BaseException):
            if isinstance(shell, GntError):
                raise shell
            self.outcomes[name] = NodeFailed(name, "unreachable", f"no connection: {shell}")
        else:
            self._submit(name, shell, self._batches[name])

    def _submit(self, name: str, shell: Shell, batch: Batch) -> None:
        self._running[name] = pending = shell.submit(batch, lambda: self._finish(name))
        self._due = min(self._due, pending.due)

    def _finish(self, name: str) -> None:
        if name in self._running:
            self.outcomes[name] = self._running.pop(name)

    def _next_due(self) -> float:
        """The first moment at which something may have to be given up."""
        times = [pending.due for pending in self._running.values()]
        times += [self._doors.due(name) for name in self._opening] if self._doors else []
        return min([*times, self._end])

    def _expire(self, now: float) -> None:
        """Give up on nodes that had their time; the rest of the phase goes on."""
        over = now >= self._end
        doors = self._doors
        for name in [n for n in self._opening if over or (doors and now >= doors.due(n))]:
            self._opening.discard(name)
            self._silent(name)
        for name, pending in list(self._running.items()):
            if over or now >= pending.due:
                pending.outcome = "timeout"
                self._finish(name)
                self._peers[name].drop(self._lane)
        self._due = self._next_due()

    def _silent(self, name: str) -> None:
        from gnt.ssh.connection import unreachable

        peer = self._peers[name]
        assert isinstance(peer, RemotePeer)
        failure = unreachable(peer.target, f"nothing came of it in {self._connect:g} s")
        self.outcomes[name] = failure
        peer.silent(failure)
        peer.abort()

