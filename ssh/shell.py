"""A kept shell: batches may be queued; replies come in order."""

from __future__ import annotations

from gnt.engine.ports import Reply
from gnt.errors import GntError
from gnt.ssh.framing import GATE, Garbled, Overflow, Plain, Stream, tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gnt.ssh.framing import Batch
    from gnt.ssh.gate.speech import Gate
    from gnt.ssh.links import Link


class Pending:
    """A batch on its way: what is known of its scripts so far."""

    def __init__(
        self, batch: Batch, at: float, done: Callable[[], None], tag: str = "",
    ) -> None:
        """``tag``: of the markers; it makes short work of what nearly all replies look like."""
        self.batch = batch
        self.good = f"{tag}.0 off 0\n{tag} done ok\n".encode() if len(batch.scripts) == 1 else b""
        self.done = done  # called once it is complete
        self.since = at  # when the script that runs now began, as far as we know
        self.ended = 0  # streams that said the batch is done
        self.outcome = ""  # ok, fenced TERM, nofence, unwritable; or lost, flood, garbled
        self._parts: list[list[tuple[int, bytes]]] = [[], []]

    def add(self, stream: int, script: int | None, words: str, output: bytes) -> bool:
        """Take what one stream said; true when a script or the batch is complete by it."""
        if script is None:
            self.ended += 1
            self.outcome = words
            if words == "ok" and not self._whole(self._parts[stream]):
                raise Garbled
            return self.ended == 2
        own, other = self._parts[stream], self._parts[1 - stream]
        own.append((int(words), output))
        if script != len(own) - 1 or script >= len(self.batch.scripts) or (
                script < len(other) and own[script][0] != other[script][0]):
            raise Garbled
        return len(own) <= len(other)

    def _whole(self, parts: list[tuple[int, bytes]]) -> bool:
        """Whether all scripts have ended that had to: under a fence a failed one is the last."""
        failed = bool(self.batch.fence) and any(status for status, _ in parts)
        return failed or len(parts) == len(self.batch.scripts)

    @property
    def replies(self) -> tuple[Reply, ...]:
        """Those of the scripts that ended, in order."""
        pairs = zip(*self._parts, strict=False)
        return tuple(Reply(status=out[0], out=out[1], err=err[1]) for out, err in pairs)

    @property
    def complete(self) -> bool:
        return self.ended == 2 or self.outcome in ("lost", "flood", "garbled")

    @property
    def due(self) -> float:
        """When the script that runs now has had its time."""
        items = self.batch.scripts
        now = min(len(self._parts[0]), len(self._parts[1]), len(items) - 1)
        return self.since + items[now].limit


class Shell:
    """Writes batches to one shell and sorts out what comes back.

    ``again``: opens it anew, and in the right speech, when it proves to be that of a hardened node.
    """

    def __init__(
        self, link: Link, wake: Callable[[Shell], None], speech: Plain | Gate | None = None,
        again: Callable[[], tuple[Link, Plain | Gate]] | None = None,
    ) -> None:
        import os

        self.link = link
        self._speech, self._again = speech or Plain(), again
        self._nonce = os.urandom(12).hex()
        self._sent = 0
        self._streams = (Stream(self._nonce), Stream(self._nonce))
        self._pending: dict[int, Pending] = {}
        self.lost = False
        self._rung = False  # somebody was told that there is something to read
        self._unread = False  # there is, or may be
        self._wake = wake
        link.wake(self._ring)

    def heard_by(self, wake: Callable[[Shell], None]) -> None:
        """From now on another one is told that there is something to read."""
        self._wake = wake
        self._rung = False

    def submit(self, batch: Batch, done: Callable[[], None] = lambda: None) -> Pending:
        """Write a batch; its reply is looked for by :meth:`feed`."""
        import time

        if not self._pending:
            if self._unread:
                self.feed()
            for stream in self._streams:
                stream.forget()
        text = self._speech.compose(self._nonce, self._sent, batch)
        pending = self._pending[self._sent] = Pending(
            batch, time.monotonic(), done, tagged(self._nonce, self._sent))
        self._sent += 1
        self.link.send(text)
        return pending

    def feed(self) -> None:
        """Read what has come; batches that are complete then say so."""
        self._rung = self._unread = False  # before taking: what comes from now on rings again
        try:
            for stream, data in enumerate(self.link.take()):
                if self._again is not None and data.startswith(GATE):
                    self._through_the_gate()
                    return
                if data:
                    self._again = None
                    self._sort(stream, data)
        except Overflow:
            self._give_up("flood")
        except Garbled:
            self._give_up("garbled")
        if self.link.closed:
            self._give_up("lost")

    def _through_the_gate(self) -> None:
        """Say everything again, as a hardened node wants it: it has done nothing of it."""
        assert self._again is not None
        again, self._again = self._again, None
        self.link.close()
        try:
            self.link, self._speech = again()
            self.link.wake(self._ring)
            for seq, pending in self._pending.items():
                self.link.send(self._speech.compose(self._nonce, seq, pending.batch))
        except GntError:
            self._give_up("lost")

    def close(self) -> None:
        self.link.close()
        self._give_up("lost")

    def _sort(self, stream: int, data: bytes) -> None:
        import time

        for seq, script, words, output in self._said(stream, data):
            pending = self._pending.get(seq)
            if pending is None:  # given up meanwhile: it counts as lost
                continue
            if pending.add(stream, script, words, output):
                pending.since = time.monotonic()
            if pending.complete:
                del self._pending[seq]
                for later in self._pending.values():
                    later.since = time.monotonic()
                pending.done()

    def _said(
        self, stream: int, data: bytes,
    ) -> Iterable[tuple[int, int | None, str, bytes]]:
        """As ``Stream.feed``, and quickly when one script has ended well and this is all of it."""
        for seq, pending in self._pending.items():
            output = self._streams[stream].alone(data, pending.good)
            if output is not None:
                return ((seq, 0, "0", output), (seq, None, "ok", b""))
            break
        return self._streams[stream].feed(data)

    def _give_up(self, why: str) -> None:
        if not self.lost:
            self.lost = True
            self.link.close()
        given_up = list(self._pending.values())
        self._pending.clear()
        for pending in given_up:
            pending.outcome = why
            pending.done()

    def _ring(self) -> None:
        """From any thread: there is something to read.  Rings once until it is read."""
        self._unread = True
        if not self._rung:
            self._rung = True
            self._wake(self)
