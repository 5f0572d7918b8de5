"""How batches are put to a hardened node's gate (gate.sh); replies come as from any kept shell."""

from __future__ import annotations

from gnt.ssh.framing import tagged
from gnt.ssh.gate.facts import WORDS, digest, facts, plain
from gnt.ssh.gate.orders import NOBODY, Signers, grant
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    import paramiko

    from gnt.ssh.framing import Batch, Item
    from gnt.ssh.gate.orders import Grant, Orders

LONGEST = 65536  # bytes that login scripts may print before


class Gate:
    """Speaks with one gate; remembers what it was allowed on this connection."""

    def __init__(self, node: str, greeting: bytes, orders: Orders) -> None:
        words = greeting.decode("ascii", "replace").split()
        self._node, self._orders = node, orders
        self._challenge, self._version = words[2], words[3]
        self._looks = "records" in words[4:]  # gates of before ADR 0119 know no records
        self._obeys = _obeyed(words)
        self._named = node if "on" in words[5:] else ""
        self._granted: set[Grant] = set()
        self._for = ("", 0)
        self._shown = ("", 0)

    def compose(self, nonce: str, seq: int, batch: Batch) -> bytes:
        """A batch as a frame, with an order before it when it needs one."""
        parts: list[bytes] = []
        needed: list[Grant] = []
        for item in batch.scripts:
            fact = None if batch.fence else self._fact(item)  # all that a job does is signed
            if fact is None:
                needed.append(grant(item.text, item.stdin))
            parts.append(fact or _run(item))
        job = batch.fence or "-"
        shown = self._show(job, batch.term)
        order, signature = self._order(job, batch.term, needed)
        head = (f"batch {tagged(nonce, seq)} {batch.term} {job} {batch.hold} {len(parts)} "
                f"{len(order)} {len(signature)}\n")
        return b"".join([shown, head.encode(), order, signature, *parts])

    def single(self, verb: str, text: str, job: str, term: int) -> bytes:
        """``pipe`` or ``ticket``: one text that gets a connection of its own."""
        shown = self._show(job or "-", term)
        order, signature = self._orders.order(
            self._challenge, job or "-", term, [grant(text, b"")], self._tell(),
            self._named)
        data = _bytes(text)
        head = f"{verb} {len(data)} {len(order)} {len(signature)}\n"
        return shown + head.encode() + order + signature + data

    def _show(self, job: str, term: int) -> bytes:
        """The frame with the record of a job, unless this gate has seen it."""
        if job == "-" or not self._looks or (job, term) == self._shown:
            return b""
        self._shown = job, term
        body, signature = self._orders.record(job)
        return f"job {len(body)} {len(signature)}\n".encode() + body + signature

    def _order(self, job: str, term: int, needed: list[Grant]) -> tuple[bytes, bytes]:
        if (job, term) != self._for:
            self._for = job, term
            self._granted.clear()
        if self._granted.issuperset(needed):
            return b"", b""
        new = {*needed, *self._orders.foreseen(job, self._node)} - self._granted
        self._granted |= new
        return self._orders.order(
            self._challenge, job, term, sorted(new), self._tell(), self._named)

    def _tell(self) -> Signers:
        """Whom the node is to obey, when it does not know yet; it is told with the next order."""
        ours = self._orders.obeyed
        if self._obeys is None or not ours.lacking(self._obeys):
            return NOBODY
        self._obeys = ours
        return ours

    def _fact(self, item: Item) -> bytes | None:
        """The item as a fact, if this node keeps it as one."""
        if item.stdin or item.keep or self._version != facts().version:
            return None
        limit = int(item.limit + 0.999)
        if item.body and len(item.words) <= WORDS and all(map(plain, item.words)) and (
                name := digest(item.body)) in facts().open:
            words = "".join(f"{word}\n" for word in item.words)
            return f"fact {limit} {name} {len(item.words)}\n{words}".encode()
        if (name := digest(item.text)) in facts().fixed:
            return f"fact {limit} {name} 0\n".encode()
        return None


def _obeyed(words: list[str]) -> Signers | None:
    """The node's signers, as its greeting names them; gates of before ADR 0139 do not."""
    if words[5:6] != ["signers"]:
        return None
    try:
        return Signers(at=(natural(words[6]), natural(words[7])), digest=words[8])
    except (ValueError, IndexError):
        return None


def greeting(channel: paramiko.Channel, deadline: float) -> bytes:
    """The first line of ours that a channel says; what login scripts print before is skipped."""
    said = b""
    channel.settimeout(deadline)
    try:
        while len(said) < LONGEST and (more := channel.recv(LONGEST)):
            said += more
            for line in said.split(b"\n")[:-1]:
                if line.startswith(b"gnt-"):
                    channel.settimeout(None)
                    return line
    except OSError:
        return said or b"nothing in time"
    return said or channel.recv_stderr(LONGEST) or b"nothing"


def _run(item: Item) -> bytes:
    text = _bytes(item.text)
    stdin = str(len(item.stdin)) if item.stdin else "-"
    head = f"run {int(item.keep)} {int(item.limit + 0.999)} {len(text)} {stdin}\n"
    return head.encode() + text + item.stdin


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
