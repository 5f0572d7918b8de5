"""Calls on nodes: what the engine and the store know of the network (``engine.ports``)."""

from __future__ import annotations

from functools import partial

from gnt.engine.ports import Reply
from gnt.errors import NodeFailed
from gnt.ssh import answers, fences
from gnt.ssh.dialogues import Talk
from gnt.ssh.fanout import Fanout, dispatch, open_lanes
from gnt.ssh.framing import Batch, Item
from gnt.ssh.identity import Identities, load
from gnt.ssh.owner import Owner
from gnt.ssh.peers import SPARE, LocalPeer, RemotePeer, Target
from gnt.ssh.rounds import Rounds, whole
from gnt.ssh.shared import SharingPeer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TypeVar

    from gnt.engine.ports import Frame, Key
    from gnt.model.objects import Node
    from gnt.plan import Call, Progress, Script
    from gnt.ssh.fanout import Event, Outcome
    from gnt.ssh.gate.orders import Orders
    from gnt.ssh.peers import Peer
    from gnt.ssh.rounds import Planned
    from gnt.ssh.shared import Lines

    R = TypeVar("R")
    Tell = Callable[[Call[Any], Progress], None]

WORK, STORE, WAIT = "work", "store", "wait"  # lanes
PATIENCE = 1.0  # seconds that close() waits for posted and late frames


class SshTransport:
    """``engine.ports.Transport`` and ``engine.ports.Frames`` over SSH.

    ``here`` is the name of the node this program runs on, which is then reached without SSH;
    ``connect`` is what one connection may take in all, in seconds.  One thread uses a transport.
    """

    def __init__(
        self, identities: Identities, *, here: str = "", connect: float = 10.0,
        shell: tuple[str, ...] = ("/bin/sh",), orders: Orders | None = None,
    ) -> None:
        """``orders`` signs for hardened nodes."""
        import queue
        import threading

        self._identities, self._here, self._connect, self._argv = identities, here, connect, shell
        self._keys: tuple[Any, ...] = ()
        self._loading = threading.Lock()
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._targets: dict[str, Target] = {}
        self._peers: dict[str, Peer] = {}
        self._posted: list[Fanout] = []
        self._owners: list[Owner] = []
        self._terms: dict[str, int] = {}
        self._phases = 0
        self.late: set[str] = set()  # nodes that frames did not wait for
        self.lines: Lines | None = None  # connections that other transports use, too
        self.orders, self.hardened = orders, False  # hardened: what new peers are taken for

    def know(
        self, nodes: Iterable[Node], term: int, *, ports: Mapping[str, int] | None = None,
    ) -> None:
        """Where the nodes are; ``ports`` (by name) where sshd does not listen on 22.

        ``term`` is that of these nodes; 0 for hosts of no cluster, which are not to learn one.
        """
        for node in nodes:
            self._terms[node.name] = term
            target = Target(
                name=node.name, address=node.primary_ip, port=(ports or {}).get(node.name, 22),
                host_keys=node.host_keys,
            )
            if self._targets.get(node.name) != target:
                self._targets[node.name] = target
                self._forget(node.name)

    def warm(self, nodes: Iterable[str], *, owner: str = "") -> None:
        """Begin to connect to nodes that a commit will need, and to open the shell on ``owner``
        that will hold a job's liveness lock; nobody waits for it."""
        wanted = [(STORE, node) for node in nodes] + ([(SPARE, owner)] if owner else [])
        for lane in (STORE, SPARE):
            known = [self.peer(n) for at, n in wanted if at == lane and n in self._targets]
            cold = [peer for peer in known if not (
                peer.ready(lane) or peer.door(lane) or peer.resting())]
            open_lanes(cold, lane, self._queue, self._connect, lambda name, shell: None)

    @property
    def round_trips(self) -> int:
        return self._phases

    def frames(
        self, scripts: Mapping[str, Frame], *, deadline: float = 15.0, enough: int | None = None,
    ) -> dict[str, Reply | NodeFailed]:
        self._tidy()
        phase = self._start(STORE, _raw(scripts, deadline), deadline)
        self._phases += 1
        outcomes = phase.collect(enough)
        if phase.unfinished:
            self.late |= phase.late
            self._posted.append(phase)
        return {node: self._reply(node, outcome) for node, outcome in outcomes.items()}

    def send(
        self, scripts: Mapping[str, Frame], *, deadline: float = 15.0,
    ) -> Callable[[], dict[str, Reply | NodeFailed]]:
        """As ``frames``, but begun only: what is returned waits for the replies.

        Costs no round trip of its own when something else is waited for between.
        """
        phase = self._start(STORE, _raw(scripts, deadline), deadline)
        return lambda: {n: self._reply(n, outcome) for n, outcome in phase.collect().items()}

    def post(self, scripts: Mapping[str, Frame]) -> None:
        self._tidy()
        self._posted.append(self._start(STORE, _raw(scripts, 15.0), 15.0))

    def _tidy(self) -> None:
        """Forget posted and late frames that have been answered, or have had their time."""
        for phase in self._posted:
            phase.expire()
        self._posted = [phase for phase in self._posted if phase.unfinished]

    def ask(
        self, calls: Iterable[Call[Any]], *, deadline: float | None = None,
    ) -> dict[Key, Any]:
        return self._run(list(calls), deadline=deadline, fence="", tell=None)

    def perform(
        self, calls: Sequence[Call[Any]], *, fence: str, tell: Tell | None = None,
    ) -> dict[Key, Any]:
        """Calls after a failed one on the same node are not in the answer: they did not begin."""
        for owner in self._owners:
            owner.check()
        return self._run(list(calls), deadline=None, fence=fence, tell=tell)

    def obey(self, at: tuple[int, int], signers: Iterable[str]) -> None:
        """Who may sign by now: hardened nodes that know others are told with their next order."""
        if self.orders is not None:
            self.orders.obey(at, signers)

    def foresee(self, job: str, calls: Iterable[Call[Any]]) -> None:
        """What a job is going to run: a hardened node is told in one order."""
        if self.orders is not None:
            self.orders.foresee(job, calls)

    def wait_fence(self, nodes: Iterable[str], fence: str, deadline: float) -> dict[str, Any]:
        item = Item(text=fences.waiting(fence, deadline).shell, limit=deadline + 5)
        # with the term: what an overtaken driver sends from now on is refused, and not waited for
        batches = {node: Batch(scripts=(item,), term=self._terms.get(node, 0)) for node in nodes}
        outcomes = self._start(WAIT, batches, deadline + 5).collect()
        self._phases += 1
        return {node: fences.waited(node, fence, deadline, self._reply(node, outcome))
                for node, outcome in outcomes.items()}

    def clear_fence(self, nodes: Iterable[str], fence: str) -> None:
        scripts = {node: fences.clearing(fence, self._terms.get(node, 0)).shell
                   for node in nodes if node in self._peers}
        batches = {node: Batch(scripts=(Item(text=text, limit=15.0),))
                   for node, text in scripts.items()}
        self._posted.append(self._start(WORK, batches, 15.0))

    def own(self, master: str, job: str) -> AbstractContextManager[None]:
        self._phases += 1
        return Owner(self.peer(master), job, self._owners)

    def owned(self, master: str, jobs: Iterable[str]) -> dict[str, bool]:
        return self._told(WORK, master, fences.alive(tuple(jobs)), 15.0)

    def wait_owner(self, master: str, job: str, deadline: float) -> bool:
        return self._told(WAIT, master, fences.ended(job, deadline), deadline + 5)

    def close(self) -> None:
        """End everything; posted and late frames get a moment to arrive, unless nothing has been
        heard of a node at all."""
        for phase in self._posted:
            phase.hurry(PATIENCE)
        for phase in self._posted:
            phase.collect()
        for peer in self._peers.values():
            peer.abort()
        self._peers.clear()

    def peer(self, node: str) -> Peer:
        """The node as consoles, file pushes and dialogues need it; raises NodeFailed."""
        if node not in self._peers:
            return self._peers.setdefault(node, self._made(node))  # a dialogue's thread may come
        return self._peers[node]

    # --- one phase -----------------------------------------------------------------------------

    def _run(
        self, calls: list[Call[Any]], *, deadline: float | None, fence: str, tell: Tell | None,
    ) -> dict[Key, Any]:
        rounds = Rounds(calls, deadline=deadline, fence=fence, terms=self._terms)
        while True:
            batches, dialogues = rounds.next()
            if not batches and not dialogues:
                return rounds.answers
            self._phases += 1
            talks = [self._talk(planned, fence, tell) for planned in dialogues.values()]
            rounds.take(self._start(WORK, batches, whole(batches)).collect())
            for talk in talks:
                self._listen(talk)
                rounds.settle(talk.planned, talk.result)

    def _talk(self, planned: Planned, fence: str, tell: Tell | None) -> Talk:
        """Begin a dialogue; what it tells is passed on by the thread that uses this transport."""
        def pass_on(progress: Progress) -> None:
            if tell is not None:
                self._queue.put(lambda: tell(planned.call, progress))

        term = self._terms.get(planned.call.node, 0)
        return Talk(planned, term, fence, pass_on, self.peer, self._queue.put)

    def _listen(self, talk: Talk) -> None:
        import queue
        import time

        while not talk.done:
            try:
                event = self._queue.get(timeout=max(0.0, talk.due - time.monotonic()))
            except queue.Empty:
                talk.expire()
            else:
                dispatch(event)

    def _start(self, lane: str, batches: Mapping[str, Batch], whole: float) -> Fanout:
        phase = Fanout(self._queue, lane, connect=self._connect, whole=whole)
        peers = {}
        for node in batches:
            try:
                peers[node] = self.peer(node)
            except NodeFailed as failure:
                phase.outcomes[node] = failure
        phase.start(peers, {node: batches[node] for node in peers})
        return phase

    def _told(self, lane: str, node: str, script: Script[R], deadline: float) -> R:
        """The answer of one script on one node; raises its NodeFailed."""
        item = Item(text=script.shell, limit=deadline, body=script.body, words=script.words)
        batch = Batch(scripts=(item,))
        outcome = self._start(lane, {node: batch}, deadline).collect()[node]
        self._phases += 1
        reply = self._reply(node, outcome)
        result = reply if isinstance(reply, NodeFailed) else answers.answer(node, "", script, reply)
        if isinstance(result, NodeFailed):
            raise result
        told: R = result
        return told

    def _reply(self, node: str, outcome: Outcome) -> Reply | NodeFailed:
        import time

        if isinstance(outcome, NodeFailed):
            return outcome
        replies = outcome.replies
        return replies[0] if replies else answers.broken(node, outcome, "", time.monotonic())

    # --- nodes ---------------------------------------------------------------------------------

    def _made(self, node: str) -> Peer:
        if node == self._here:
            return LocalPeer(node, self._queue.put, self._argv)
        target = self._targets.get(node)
        if target is None:
            raise NodeFailed(node, "unreachable", "the configuration has no node of this name",
                             hint="see which there are: gnt-node list")
        kind = RemotePeer if self.lines is None else partial(SharingPeer, self.lines)
        return kind(target, self._queue.put, user=self._identities.user,
                    keys=self._loaded, deadline=self._connect, orders=self.orders,
                    gated=self.hardened)

    def _loaded(self) -> tuple[Any, ...]:
        with self._loading:
            self._keys = self._keys or load(self._identities)
            return self._keys

    def _forget(self, node: str) -> None:
        peer = self._peers.pop(node, None)
        if peer is not None:
            peer.abort()


def _raw(scripts: Mapping[str, Frame], limit: float) -> dict[str, Batch]:
    """The store checks terms itself: its frames are what a failover raises them with."""
    return {
        node: Batch(scripts=(Item(text=f.text, stdin=f.stdin, keep=f.keep, limit=limit,
                                  body=f.body, words=f.words),))
        for node, f in scripts.items()
    }
