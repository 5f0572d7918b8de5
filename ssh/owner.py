"""Holding the liveness lock of a job: kernel truth on the master that its driver lives.

The lock is held by a kept shell of its own.  When the driver dies, the shell reads the end of its
input and ends.  When the driver is cut off, or its machine stops, the lease that it renews runs
out, and the alarm of the kept shell ends it.
"""

from __future__ import annotations

from gnt.errors import Busy, NodeFailed
from gnt.plan import quote
from gnt.ssh.fences import DISOWN, OWN, STILL_HELD
from gnt.ssh.framing import Batch, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from gnt.ssh.peers import Peer
    from gnt.ssh.shell import Pending, Shell

LEASE = 60  # seconds without a sign of life after which the master lets go
BEAT = 15.0  # seconds between signs of life
ANSWER = 15.0  # seconds the master has to answer


class Owner:
    """A context manager: inside, the job's lock is ours.  ``check`` before everything that acts."""

    def __init__(
        self, master: Peer, job: str, owners: list[Owner], *,
        beat: float = BEAT, lease: int = LEASE,
    ) -> None:
        import threading

        self._master, self._job, self._owners = master, job, owners
        self._beat, self._lease = beat, lease
        self._writing = threading.Lock()
        self._shell: Shell | None = None

    def __enter__(self) -> None:
        import queue
        import threading

        self._queue: queue.SimpleQueue[Shell] = queue.SimpleQueue()
        self._shell = self._master.own_shell(self._queue.put)
        self._stop = threading.Event()
        pending = self._wait(self._send(OWN))
        if not pending.replies:
            self._shell.close()
            raise NodeFailed(self._master.name, "lost",
                             f"no answer about the lock of job {self._job}")
        self._judge(pending)
        self._owners.append(self)
        threading.Thread(target=self._live, daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go; nobody waits for the answer."""
        assert self._shell is not None
        self._owners.remove(self)
        self._stop.set()
        with self._writing:
            self._shell.submit(Batch(scripts=(Item(text=self._text(DISOWN), keep=True),)))
        self._master.give_back(self._shell)

    def check(self) -> None:
        """Raise when the lock may be somebody else's by now."""
        assert self._shell is not None
        if self._shell.lost or self._shell.link.closed:
            raise NodeFailed(
                self._master.name, "lost",
                f"it dropped us as the driver of job {self._job} (connection broken, or nothing "
                f"heard of us for {self._lease} s); nothing more is done",
                hint=f"type: gnt-job resume {self._job}",
            )

    def _judge(self, pending: Pending) -> None:
        reply = pending.replies[0]
        if reply.status:
            assert self._shell is not None
            self._shell.close()
        if reply.status == STILL_HELD:
            raise Busy(f"job {self._job} has a living driver",
                       hint=f"follow it: gnt-job watch {self._job}")
        if reply.status:
            raise NodeFailed(self._master.name, "failed", f"cannot lock job {self._job}",
                             status=reply.status, stderr=reply.err.decode("utf-8", "replace"))

    def _text(self, body: str) -> str:
        return f"set -- {quote(self._job)}\n{body}"

    def _send(self, body: str) -> Pending:
        assert self._shell is not None
        item = Item(text=self._text(body), keep=True, limit=ANSWER)
        with self._writing:
            return self._shell.submit(Batch(scripts=(item,), hold=self._lease))

    def _wait(self, pending: Pending) -> Pending:
        import queue
        import time

        end = time.monotonic() + ANSWER
        while not pending.complete and time.monotonic() < end:
            try:
                self._queue.get(timeout=max(0.0, end - time.monotonic())).feed()
            except queue.Empty:
                break
        return pending

    def _live(self) -> None:
        """Renew the lease until told to stop."""
        while not self._stop.wait(self._beat):
            pending = self._send("true")
            if not self._wait(pending).complete or pending.outcome == "lost":
                return
