"""Dialogue tasks: functions that talk to one node, each in a thread of its own."""

from __future__ import annotations

from gnt.errors import GntError, NodeFailed
from gnt.ssh import answers
from gnt.ssh.framing import Batch, Item
from gnt.ssh.peers import LocalPeer, RemotePeer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, TypeVar

    from gnt.plan import Progress, Script
    from gnt.ssh.peers import Peer
    from gnt.ssh.rounds import Planned
    from gnt.ssh.shell import Shell

    R = TypeVar("R")

FENCED_STREAM = 'fence=$1; shift; exec flock -o -s "/run/gnt/fence/$fence" "$@"'


class NodeContext:
    """``plan.Context`` on a node: scripts in a shell of its own, streams to commands."""

    def __init__(
        self, peer: Peer, *, term: int, fence: str, tell: Callable[[Progress], None],
        reach: Callable[[str], Peer],
    ) -> None:
        import queue

        self._peer, self._term, self._fence, self._tell = peer, term, fence, tell
        self._reach = reach
        self._queue: queue.SimpleQueue[Shell] = queue.SimpleQueue()
        self._shell: Shell | None = None
        self._closers: list[Callable[[], object]] = []
        self._admitted = False

    def run(self, command: str, **options: Any) -> Any:
        """Invoke's ``run``: for what a script cannot do; it is not under the fence."""
        if isinstance(self._peer, RemotePeer):
            return self._peer.connection().run(command, **options)
        import invoke.context

        settings = {"hide": True, "in_stream": False, "warn": True, **options}
        return invoke.context.Context().run(command, **settings)

    def script(self, script: Script[R], deadline: float) -> R:
        result = self._answer(script, deadline)
        if isinstance(result, NodeFailed):
            raise result
        answer: R = result
        return answer

    def stream(self, *words: str) -> socket.socket:
        """Standard input and output of a command on the node as one socket; under the fence."""
        from gnt.ssh import streams

        self._admit()
        if self._fence:
            words = ("sh", "-c", FENCED_STREAM, "sh", self._fence, *words)
        if isinstance(self._peer, RemotePeer):
            channel = self._peer.piped(words, self._term, self._fence)
            self._closers.append(channel.close)
            return streams.over_channel(channel)
        assert isinstance(self._peer, LocalPeer)
        process, near = streams.over_process(self._peer.command(words))
        self._closers.append(process.terminate)
        return near

    def tell(self, progress: Progress) -> None:
        self._tell(progress)

    def at(self, node: str) -> NodeContext:
        """The same on another node; it is closed with this one."""
        other = NodeContext(self._reach(node), term=self._term, fence=self._fence,
                            tell=self._tell, reach=self._reach)
        self._closers.append(other.close)
        return other

    def close(self) -> None:
        """End what is open; whoever waits on it gets the end of it."""
        for close in self._closers:
            close()
        if self._shell is not None:
            self._shell.close()

    def _admit(self) -> None:
        """Let the node check the term, and make sure that the fence exists."""
        if not self._admitted:
            from gnt.plan import script

            self.script(script("true"), 15.0)

    def _answer(self, script: Script[Any], deadline: float) -> Any:
        import queue
        import time

        if self._shell is None or self._shell.lost:
            self._shell = self._peer.shell(self._queue.put)
        item = Item(text=script.shell, stdin=script.stdin, limit=deadline, body=script.body,
                    words=script.words)
        pending = self._shell.submit(Batch(scripts=(item,), term=self._term, fence=self._fence))
        while not pending.complete:
            try:
                self._queue.get(timeout=max(0.0, pending.due - time.monotonic())).feed()
            except queue.Empty:
                pending.outcome = "timeout"
                self._shell.close()
                break
        if not pending.replies:
            return answers.broken(self._peer.name, pending, "", time.monotonic())
        self._admitted = True
        return answers.answer(self._peer.name, "", script, pending.replies[0])


class Talk:
    """One dialogue in its thread; reports ``done`` on the transport's queue."""

    def __init__(
        self, planned: Planned, term: int, fence: str, tell: Callable[[Progress], None],
        peer: Callable[[str], Peer], report: Callable[[Callable[[], None]], None],
    ) -> None:
        import threading
        import time

        self.planned = planned
        self.due = time.monotonic() + planned.limit
        self.done = False
        self.result: Any = None
        self._report = report
        try:
            node = peer(planned.call.node)
        except NodeFailed as failure:
            self.done, self.result = True, failure
            return
        self._context = NodeContext(node, term=term, fence=fence, tell=tell, reach=peer)
        threading.Thread(target=self._work, daemon=True).start()

    def expire(self) -> None:
        """Its time is up."""
        node, task = self.planned.call.node, self.planned.call.task
        self.done = True
        why = f"not done in {self.planned.limit:g} s"
        self.result = NodeFailed(node, "timeout", why, task=task)
        self._context.close()

    def _work(self) -> None:
        try:
            result = self.planned.task.body(self._context, **self.planned.call.args)
        except BaseException as error:  # noqa: BLE001 - becomes the answer of the call
            result = self._failure(error)
        self._report(lambda: self._finish(result))

    def _finish(self, result: Any) -> None:
        if not self.done:
            self.done, self.result = True, result
            self._context.close()

    def _failure(self, error: BaseException) -> NodeFailed:
        node, task = self.planned.call.node, self.planned.call.task
        if isinstance(error, NodeFailed):
            return NodeFailed(node, error.kind, error.problem, task=task, status=error.status,
                              stderr=error.stderr, hint=error.hint)
        if isinstance(error, GntError):
            return NodeFailed(node, "failed", error.message, task=task, hint=error.hint)
        if isinstance(error, (EOFError, ConnectionError)):
            return NodeFailed(node, "lost", f"the conversation broke off ({error})", task=task)
        return NodeFailed(node, "failed", f"{type(error).__name__}: {error}", task=task)
