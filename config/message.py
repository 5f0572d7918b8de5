"""What a driver asks a master candidate, and what it answers: the commit protocol as values.

A candidate answers messages (``LocalCandidate`` on this machine, a shell over SSH, a simulation).
Every message can be repeated; what a candidate cannot do, it refuses with a status and changes
nothing.  ADR 0003 says why these are enough.
"""

from __future__ import annotations

from gnt.record import Record
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from gnt.engine.ports import Frame, Reply
    from gnt.errors import NodeFailed

    class Candidate(Protocol):
        """One master candidate.  Raises NodeFailed when it does not answer."""

        def answer(self, message: Message) -> Answer: ...

    class Peers(Protocol):
        """The candidates, by name, side by side."""

        def ask(
            self, messages: Mapping[str, Message], deadline: float = 15.0,
            enough: int | None = None,
        ) -> dict[str, Answer | NodeFailed]:
            """One round trip.

            With ``enough``: once so many have done it, the others get a short grace and then count
            as failed, though they may do it later.
            """

        def post(self, messages: Mapping[str, Message]) -> None:
            """Send and do not wait."""

        def frame(self, node: str, message: Message) -> Frame | None:
            """The message as a frame, to ride on somebody else's round trip; None: ask instead."""

        def understood(self, node: str, reply: Reply | NodeFailed) -> Answer | NodeFailed:
            """What came back for such a frame."""


_HEX = frozenset("0123456789abcdef")
LEASE = 20  # seconds that a turn lasts at most
WAIT = 25  # seconds to wait for somebody else's turn
STANDING_ONLY = -1  # as an offset: no bytes

# What an answer's status says; a shell ends with the number.
OK, FAILED, MOVED, REFUSED, BEHIND, BUSY, DAMAGED, NO_TURN = 0, 1, 3, 4, 5, 6, 7, 8
NOT_SIMPLE = 9  # between a shell and RemotePeers only
UNASKED, GONE_BACK = 10, 11  # who gives turns is not known to remember them; does not (ADR 0127)


class Head(Record):
    """What is committed.  ``base``: the number of the base and journal that lead to it."""

    term: int = 0
    serial: int = 0
    hash: str = ""
    base: int = 0

    @property
    def line(self) -> str:
        """The content of the file ``head``."""
        return f"{self.term} {self.serial} {self.hash} {self.base}"


def read_hash(text: str) -> str:
    """A SHA-256 as ``sha256sum`` prints it."""
    if len(text) != 64 or not _HEX.issuperset(text):
        raise ValueError(f"{text[:80]!r} is not a hash")
    return text


def read_head(line: str) -> Head:
    """What ``Head.line`` has written; ValueError when it is none.  Only no head has no hash."""
    term, serial, digest, base = line.removesuffix("\n").split(" ")
    return Head(term=natural(term), serial=natural(serial), base=natural(base),
                hash=read_hash(digest) if digest or natural(serial) else "")


class Part(Record):
    """Bytes of one file: ``kind`` is base or journal."""

    kind: str
    number: int
    offset: int
    data: bytes


class Answer(Record):
    """``tail``: serial and hash of the last record, committed or not, where the candidate told."""

    status: int
    problem: str = ""
    head: Head = Head()
    seen: tuple[int, int] = (0, 0)  # the highest term and turn
    fence: int = 0  # the highest term
    tail: tuple[int, str] = (0, "")
    turn: tuple[int, int] = (0, 0)  # term and turn that were taken
    parts: tuple[Part, ...] = ()


class Message(Record):
    """Base of all messages."""


class Fetch(Message):
    """What follows ``offset`` in the journal ``base``, or the whole when that cannot be had."""

    base: int = 0
    offset: int = 0


class Past(Message):
    """An earlier base and its journal, if they are still kept."""

    number: int


class Take(Message):
    """Take the next turn on the master, and fetch.

    ``asked``: the highest term and turn that the others have seen, once somebody has asked them.
    """

    term: int
    base: int = 0
    offset: int = 0
    wait: int = WAIT
    asked: tuple[int, int] | None = None


class Append(Message):
    """Records that follow the committed head ``after`` and lead to ``serial`` and ``hash``."""

    term: int
    turn: int
    after: Head
    serial: int
    hash: str
    records: bytes
    size: int = -1  # of the journal up to ``after``; lets it be quick
    count: int = 1  # of the records, where ``size`` is told


class Commit(Append):
    """On the master, in the shell that has the turn: append, and move the head there."""


class Learn(Message):
    """This head is committed; ``by``: the term of who says so."""

    head: Head
    by: int
    after: Head | None = None  # with ``size``, of the journal up to ``head``: lets it be quick
    size: int = -1


class Fence(Message):
    """Refuse older terms from now on, and fetch."""

    term: int
    base: int = 0
    offset: int = 0
    wait: int = WAIT


class Install(Message):
    """Replace base and journal; ``start`` is the base's own head."""

    term: int
    turn: int
    head: Head
    start: str
    base: bytes
    journal: bytes = b""


class Prune(Message):
    """Forget old bases and journals: beyond a size in KiB, or older than some days."""

    kib: int = 512 * 1024
    days: int = 730


class Release(Message):
    """Give the turn back."""
