"""A master candidate on this machine: ``candidate.sh`` in Python, over the same files.

The two are held to one suite of tests (``tests/config/test_candidates.py``) and work beside each
other: the lock is the same ``flock``, the files are the same bytes.  A shell keeps the lock for its
turn, and a watchdog ends it; this one, which a signal may stop, has a lease instead (ADR 0014).
"""

from __future__ import annotations

from gnt.config import journal
from gnt.config import message as m
from gnt.config.digest import hex256
from gnt.config.disk import numbers
from gnt.errors import Damaged
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.config.disk import Disk
    from gnt.config.journal import Entry

PAUSE = 0.01  # seconds between two looks whether a turn has ended


class _Stop(Exception):
    """Refuse: status and reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class _Tail:
    """The journal's records, and which prev each has."""

    def __init__(self, data: bytes, base: int, head: m.Head) -> None:
        self.entries, self.end = journal.split(data, f"journal-{base}.toml")
        self.last = self.entries[-1] if self.entries else None
        self.serial = self.last.serial if self.last else base
        self.hash = self.last.hash if self.last else head.hash
        self.order = _order(self.last) if self.last else (0, 0)

    def follower(self, prev: str) -> tuple[int, int] | None:
        """Serial and beginning of the record that follows the hash ``prev``."""
        at, found = 0, None
        line = f'\nprev = "{prev}"\n'.encode()
        for entry in self.entries:
            if line in entry.body:
                found = entry.serial, at
            at += len(entry.record)
        return found


def _order(entry: Entry) -> tuple[int, int]:
    """Term and turn, from the lines of a record."""
    lines = {}
    for line in entry.body.split(b"\n")[1:4]:
        name, _, value = line.partition(b" = ")
        lines[name] = value
    return int(lines[b"term"]), int(lines[b"turn"])


class LocalCandidate:
    """A :class:`~gnt.config.message.Candidate`: the directory of a :class:`Disk`.

    ``lease``: seconds that a turn lasts, once others want it.
    """

    def __init__(self, disk: Disk, lease: float = m.LEASE) -> None:
        self.disk = disk
        self.lease = lease
        self.head = m.Head()
        self.seen = (0, 0)
        self.fence = 0
        self._turn: tuple[int, int] | None = None
        self._lease = -1

    def answer(self, message: m.Message) -> m.Answer:
        """Do what the message says; what goes wrong is in the answer's status."""
        perform = getattr(self, "_" + type(message).__name__.lower())
        try:
            answer: m.Answer = perform(message)
        except _Stop as stop:
            return self._standing(stop.status, stop.why)
        except Damaged as error:
            return self._standing(m.DAMAGED, error.message)
        except (OSError, KeyError, ValueError) as error:
            return self._standing(m.FAILED, f"cannot write: {error}")
        return answer

    def _standing(self, status: int = m.OK, why: str = "", **more: Any) -> m.Answer:
        return m.Answer(status=status, problem=why, head=self.head, seen=self.seen,
                        fence=self.fence, **more)

    def _load(self) -> None:
        self.head, self.seen, self.fence = m.Head(), (0, 0), 0
        try:
            head = m.read_head((self.disk.read("head") or b"0 0  0").decode())
            term, turn = map(natural, (self.disk.read("turn") or b"0 0").decode().split())
            fence = natural((self.disk.read("../term") or b"0").decode().strip())
        except ValueError:
            raise _Stop(m.DAMAGED, "the files head, turn or term are damaged") from None
        self.head, self.seen, self.fence = head, (term, turn), fence

    def _enter(self, wait: float) -> int:
        """Take the lock.  Nobody keeps it for longer than it takes to write."""
        taken = self.disk.lock(wait)
        if taken is None:
            raise _Stop(m.BUSY, "")
        return taken

    def _enter_free(self, wait: float) -> int:
        """Take the lock when nobody on this machine has the turn, or has had it for too long."""
        give_up = self.disk.ticks() + wait
        while True:
            taken = self._enter(max(0.0, give_up - self.disk.ticks()))
            try:
                self._load()
                if not self.disk.leased(self.seen[1]):
                    return taken
            except BaseException:
                self._leave(taken)
                raise
            self._leave(taken)
            if self.disk.ticks() >= give_up:
                raise _Stop(m.BUSY, "")
            self.disk.rest(PAUSE)

    def _leave(self, taken: int) -> None:
        self.disk.unlock(taken)

    def _tail(self) -> _Tail:
        data = self.disk.read(f"journal-{self.head.base}.toml") or b""
        tail = _Tail(data, self.head.base, self.head)
        if tail.serial < self.head.serial or (
                tail.serial == self.head.serial and tail.hash != self.head.hash):
            raise _Stop(m.DAMAGED,
                        f"the journal does not hold the committed head {self.head.serial}")
        return tail

    def _refuse(self, term: int, turn: int, order: tuple[int, int] = (0, 0)) -> None:
        highest = max(order, self.seen)
        if (term, turn) < highest:
            raise _Stop(m.REFUSED, f"term {term}, turn {turn} come after {highest[0]} {highest[1]}")
        self._follow(term)

    def _follow(self, term: int) -> None:
        """What is older than the node's term is refused; to a newer one the node's is raised."""
        if term != self.fence:
            self._raise_term(term, term)

    def _put_head(self, head: m.Head) -> None:
        self.disk.replace("head", f"{head.line}\n".encode())
        self.head = head

    def _add(self, message: m.Append) -> None:
        after = message.after
        if self.head.base != after.base:
            raise _Stop(m.BEHIND, f"the base here is {self.head.base}")
        tail = self._tail()
        self._refuse(message.term, message.turn, tail.order)
        name = f"journal-{after.base}.toml"
        if tail.hash != message.hash:
            at = self._place(tail, after)
            _check_chain(message.records, after.hash, message.hash)
            self.disk.append(name, at, message.records)
        else:
            self.disk.sync(name)
        if self.head.serial < after.serial:
            self._put_head(after)

    def _place(self, tail: _Tail, after: m.Head) -> int:
        if tail.hash == after.hash:
            return tail.end
        follower = tail.follower(after.hash)
        if follower is None or follower[0] <= self.head.serial:
            raise _Stop(m.BEHIND, f"the record {after.serial} is not the last here")
        return follower[1]

    def _append(self, message: m.Append) -> m.Answer:
        taken = self._enter(10)
        try:
            self._load()
            self._add(message)
        finally:
            self._leave(taken)
        return self._standing()

    def _commit(self, message: m.Commit) -> m.Answer:
        try:
            if self._turn != (message.term, message.turn):
                raise _Stop(m.NO_TURN, "")
            self._move(message)
        finally:
            self._release(m.Release())
        return self._standing()

    def _move(self, message: m.Commit) -> None:
        """Append, and the head is then behind it."""
        taken = self._enter(m.WAIT)
        try:
            self._load()
            self._refuse(message.term, message.turn)
            if self.seen != self._turn:
                raise _Stop(m.NO_TURN, "")
            if self.head.hash != message.after.hash:
                raise _Stop(m.MOVED, "the head has moved")
            self._add(message)
            self._put_head(m.Head(term=message.term, serial=message.serial, hash=message.hash,
                                  base=message.after.base))
        finally:
            self._leave(taken)

    def _learn(self, message: m.Learn) -> m.Answer:
        head = message.head
        taken = self._enter(10)
        try:
            self._load()
            self._follow(message.by)
            if self.head.base != head.base:
                raise _Stop(m.BEHIND, f"the base here is {self.head.base}")
            if head.serial > self.head.serial:
                tail = self._tail()
                follower = tail.follower(head.hash)
                if tail.hash != head.hash and (follower is None or follower[0] != head.serial + 1):
                    raise _Stop(m.BEHIND, f"the record {head.serial} is not here")
                self._put_head(head)
        finally:
            self._leave(taken)
        return self._standing()

    def _take(self, message: m.Take) -> m.Answer:
        self._release(m.Release())
        taken = self._enter_free(message.wait)
        try:
            term = max(message.term, self.head.term)
            self._follow(term)
            if self.head.serial:
                self.disk.sync("head")
                self.disk.sync_directory()
            tail = self._tail()
            self._remembers(max(self.seen, tail.order), message.asked)
            turn = max(self.seen[1], tail.order[1]) + 1
            given = f"{term} {turn}\n".encode()
            self.disk.replace("turn", given)
            known = tail.order if tail.serial == self.head.serial else (0, 0)
            self.disk.give(given if (message.asked or known) <= known else b"-\n")  # ADR 0140
            self.disk.remove(f"lease.{self.seen[1]}")
            self._lease, self._turn = self.disk.begin_lease(turn, self.lease), (term, turn)
            parts = self._parts(message.base, message.offset)
        finally:
            self._leave(taken)
        return self._standing(turn=(term, turn), parts=parts)

    def _remembers(self, highest: tuple[int, int], asked: tuple[int, int] | None) -> None:
        """Refuse unless no turn that this machine gave is forgotten: it notes them where nobody
        restores, or the others, who were ``asked``, have seen none that is higher."""
        if asked is None and self.disk.given() != f"{self.seen[0]} {self.seen[1]}\n".encode():
            raise _Stop(m.UNASKED, "it was started, or restored, since it gave its last turn")
        if asked is not None and asked > highest:
            raise _Stop(m.GONE_BACK, "it has forgotten turns that it gave, up to "
                        f"{asked[1]} of term {asked[0]}: it was restored from a backup")

    def _release(self, _: m.Release) -> m.Answer:
        if self._turn is not None:
            self.disk.end_lease(self._turn[1], self._lease)
        self._turn = None
        return self._standing()

    def _fetch(self, message: m.Fetch) -> m.Answer:
        self._load()
        if message.offset == m.STANDING_ONLY:
            tail = self._tail() if self.head.serial else None
            self.seen = max(self.seen, tail.order if tail else (0, 0))
            return self._standing(tail=(tail.serial, tail.hash) if tail else (0, ""))
        return self._standing(parts=self._parts(message.base, message.offset))

    def _past(self, message: m.Past) -> m.Answer:
        self._load()
        number = message.number
        if number not in numbers(self.disk.names(), "base"):
            return self._standing()
        return self._standing(parts=(self._part("base", number, 0),
                                     self._part("journal", number, 0)))

    def _parts(self, base: int, offset: int) -> tuple[m.Part, ...]:
        if not self.head.serial:
            return ()
        if self.head.base == base:
            return (self._part("journal", base, offset),)
        parts = []
        kept = numbers(self.disk.names(), "journal")
        if base in kept:
            parts = [self._part("journal", n, offset if n == base else 0)
                     for n in kept if base <= n < self.head.base]
        return (*parts, self._part("base", self.head.base, 0),
                self._part("journal", self.head.base, 0))

    def _part(self, kind: str, number: int, offset: int) -> m.Part:
        data = self.disk.read(f"{kind}-{number}.toml", offset) or b""
        return m.Part(kind=kind, number=number, offset=offset, data=data)

    def _fence(self, message: m.Fence) -> m.Answer:
        taken = self._enter(message.wait)
        try:
            self._raise_term(message.term, message.term - 1)
            return self._standing(parts=self._parts(message.base, message.offset))
        finally:
            self._leave(taken)

    def _raise_term(self, term: int, highest: int) -> None:
        """If it is at most ``highest`` now; tasks raise it, too, under this lock."""
        lock = self.disk.lock_term()
        try:
            self._load()
            if self.fence > highest:
                raise _Stop(m.REFUSED, f"term {self.fence} has begun")
            if self.fence < term:
                self.disk.replace("../term", f"{term}\n".encode())
            self.fence = term
        finally:
            self.disk.unlock(lock)

    def _install(self, message: m.Install) -> m.Answer:
        taken = self._enter(10)
        try:
            self._load()
            self._refuse(message.term, message.turn, self._newest())
            self._check_install(message)
            number = message.head.base
            self.disk.replace(f"base-{number}.toml", message.base)
            self.disk.replace(f"journal-{number}.toml", message.journal)
            self.disk.replace("turn", f"{message.term} {message.turn}\n".encode())
            self._put_head(message.head)
            self.seen = (message.term, message.turn)
        finally:
            self._leave(taken)
        return self._standing()

    def _newest(self) -> tuple[int, int]:
        """Term and turn of the last record, in whatever state the journal is.

        A late install must not wipe out what a later turn has appended, and was told that it has.
        """
        data = self.disk.read(f"journal-{self.head.base}.toml") or b""
        try:
            return _Tail(data, self.head.base, self.head).order
        except (Damaged, KeyError, ValueError):
            return 0, 0

    def _check_install(self, message: m.Install) -> None:
        head, mine = message.head, self.head
        if message.journal:
            _check_chain(message.journal, message.start, head.hash)
        elif message.start != head.hash:
            raise _Stop(m.DAMAGED, "the records do not follow each other")
        if message.term > mine.term:
            return
        if head.serial < mine.serial:
            raise _Stop(m.REFUSED, f"serial {mine.serial} is committed here")
        if head.serial == mine.serial and head.hash != mine.hash:
            raise _Stop(m.DAMAGED, f"another history has the serial {mine.serial}")
        passed = mine.hash in (head.hash, message.start) or (
            f'\nprev = "{mine.hash}"\n'.encode() in message.journal)
        if mine.base == head.base and not passed:
            raise _Stop(m.DAMAGED, "it lacks what is committed here")

    def _prune(self, message: m.Prune) -> m.Answer:
        taken = self._enter(10)
        try:
            self._load()
            for number in numbers(self.disk.names(), "base")[:-2]:
                self._forget(number, message.days * 86400, message.kib * 1024)
        finally:
            self._leave(taken)
        return self._standing()

    def _forget(self, number: int, age: float, limit: int) -> None:
        names = (f"base-{number}.toml", f"journal-{number}.toml")
        total = sum(self.disk.size(name) for name in self.disk.names())
        found = self.disk.age(names[1])
        if found is None or found > age or total > limit:
            for name in names:
                self.disk.remove(name)


def _check_chain(records: bytes, prev: str, last: str) -> None:
    """The records lead from ``prev`` to ``last``; bytes only, as the node's shell checks."""
    entries, end = journal.split(records, "records")
    if end != len(records):
        raise _Stop(m.DAMAGED, "the records do not follow each other")
    for entry in entries:
        if f'\nprev = "{prev}"\n'.encode() not in entry.body:
            raise _Stop(m.DAMAGED, "the records do not follow each other")
        prev = hex256(entry.body)
    if prev != last:
        raise _Stop(m.DAMAGED, "the records do not follow each other")
