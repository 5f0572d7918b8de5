"""Batches to many nodes at once: bounded connecting, one queue, a deadline for each and for all."""

from __future__ import annotations

from functools import partial

from gnt.errors import GntError, NodeFailed
from gnt.ssh.opening import THREADS, Opening
from gnt.ssh.peers import RemotePeer, unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from queue import SimpleQueue

    from gnt.ssh.framing import Batch
    from gnt.ssh.peers import Peer
    from gnt.ssh.shell import Pending, Shell

    Outcome = Pending | NodeFailed
    Event = Shell | Callable[[], None]

GRACE = 0.2  # seconds for the others once enough have answered
LOGIN = 1.0  # the same for those who accept connections and are still to be logged in to
UNHEARD = 0.5  # seconds for a first sign of life of nodes that a command ends without


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
        self._connect = self._patience = connect
        self._end = time.monotonic() + whole
        self._peers: dict[str, Peer] = {}
        self._batches: dict[str, Batch] = {}
        self._running: dict[str, Pending] = {}
        self._opening: set[str] = set()
        self._due = 0.0
        self._enough_at: float | None = None  # when enough had answered
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
        self._end += self._connect * (1 + len(waiting) // THREADS)
        self._opening = {peer.name for peer in waiting}
        open_lanes(waiting, self._lane, self._queue, self._connect, self._begin)

    def collect(self, enough: int | None = None) -> dict[str, Outcome]:
        """Wait until every node has answered, failed, or used up its time; or, a moment longer
        than it takes, until ``enough`` have done without failure what they were asked.

        The others are then *late*: what they were sent stays before all that is sent to them
        later.  When this is interrupted (Ctrl-C), what runs goes on as an orphan under its fence,
        and the next phase gets other shells.
        """
        try:
            while self.unfinished and not self._suffices(enough):
                self._listen()
        except BaseException:
            for name in list(self._running):
                self._peers[name].drop(self._lane)
            raise
        return self.outcomes | {name: _late(name) for name in self.late}

    @property
    def late(self) -> set[str]:
        """Nodes from which something is still to come."""
        return self._opening | self._running.keys()

    def _suffices(self, enough: int | None) -> bool:
        import time

        if enough is None:
            return False
        if self._enough_at is None and sum(map(_good, self.outcomes.values())) >= enough:
            self._enough_at = time.monotonic()
        if self._enough_at is None:
            return False
        end = max(map(self._patient_until, self.late), default=self._enough_at)
        self._due = min(self._due, end)
        return time.monotonic() >= end

    def _patient_until(self, name: str) -> float:
        """Who is heard of may log in; what was asked is answered at once, or not soon."""
        assert self._enough_at is not None
        if name in self._running:
            return max(self._enough_at, self._running[name].since) + GRACE
        return self._enough_at + (LOGIN if self._peers[name].reached else GRACE)

    def expire(self) -> None:
        """Give up what had its time; for phases that nobody waits for."""
        import time

        self._expire(time.monotonic())


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
        """Allow this phase no more than ``seconds`` from now, and hardly any for nodes that
        nothing was heard of at all."""
        import time

        self._end = min(self._end, time.monotonic() + seconds)
        self._connect = min(self._connect, UNHEARD)
        self._due = 0.0

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
        times += [self._door_due(name) for name in self._opening]
        return min([*times, self._end])

    def _door_due(self, name: str) -> float:
        door = self._peers[name].door(self._lane)
        if door is None:
            return self._end
        heard = self._peers[name].reached
        return door.since(name) + (self._patience if heard else self._connect)

    def _expire(self, now: float) -> None:
        """Give up on nodes that had their time; the rest of the phase goes on."""
        over = now >= self._end
        for name in [n for n in self._opening if over or now >= self._door_due(n)]:
            self._silent(name)
        for name, pending in list(self._running.items()):
            if over or now >= pending.due:
                pending.outcome = "timeout"
                self._finish(name)
                self._peers[name].drop(self._lane)
        self._due = self._next_due()

    def _silent(self, name: str) -> None:
        """Nothing came of a connection: all who wait for it hear of that."""
        peer = self._peers[name]
        assert isinstance(peer, RemotePeer)
        failure = unreachable(peer.target, f"nothing came of it in {self._connect:g} s")
        peer.abort()
        door = peer.door(self._lane)
        if door is not None:
            peer.opened(self._lane, door, failure)
        self._begin(name, failure)  # unless it has heard


def open_lanes(
    peers: Iterable[Peer], lane: str, queue: SimpleQueue[Event], connect: float,
    begin: Callable[[str, Shell | BaseException], None],
) -> None:
    """Have ``begin`` called for each, in the thread that reads the queue."""
    def report(peer: Peer, door: Opening, result: Shell | BaseException) -> None:
        queue.put(lambda: peer.opened(lane, door, result))

    wanted = list(peers)
    closed = [peer for peer in wanted if peer.door(lane) is None]
    opening = Opening(closed, lane, report, connect=connect)
    for peer in wanted:
        peer.await_opening(lane, peer.door(lane) or opening, partial(begin, peer.name))


def _good(outcome: Outcome) -> bool:
    """Whether every script of a batch ended well."""
    if isinstance(outcome, NodeFailed) or outcome.outcome != "ok":
        return False
    return all(reply.status == 0 for reply in outcome.replies)


def _late(name: str) -> NodeFailed:
    return NodeFailed(name, "timeout", "it has not answered yet; enough others have")
