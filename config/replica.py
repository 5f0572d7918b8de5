"""A verified copy of the configuration on the driver's machine, in the candidates' own format.

What is in it was verified when it entered.  ``trust.toml`` remembers the cluster, its signers, the
base's digest and the highest (term, serial) seen.  The rest, damaged or lost, is fetched again.
"""

from __future__ import annotations

from gnt.config import canon
from gnt.config.digest import hex256
from gnt.config.disk import Disk, WholeDisk, numbers
from gnt.config.journal import first_prev, split
from gnt.config.message import OK, Answer, Head, Part, read_head
from gnt.config.trust import RESTORED, Pin, Position, Trusted
from gnt.errors import Busy, Damaged, Stale
from gnt.model.codec import from_data
from gnt.model.config import Config
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.config.journal import Entry, Txn
    from gnt.config.trust import Working

TRUST = "trust.toml"
LOCK_WAIT = 10.0  # seconds
MAX_RECORDS = 1000  # of a journal, then a new base is due
MAX_BYTES = 1024 * 1024


class Memory(Pin):
    """What ``trust.toml`` remembers: the pin, and which base was believed."""

    digest: str  # of the base's file
    base_signer: str


class _Alone:
    """Holds the copy's lock.  (``contextlib`` would cost every command a millisecond.)

    What was written last is opened for reading before others may write again: the state that a
    driver works on is the one at its position, and its file is not exchanged while it is opened.
    """

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._lock = -1

    def __enter__(self) -> None:
        disk = self._replica.disk
        lock = disk.lock(LOCK_WAIT)
        if lock is None:
            raise Busy(f"another gnt keeps {disk.directory} locked", hint="try again")
        self._lock = lock
        try:
            self._replica.refresh()
        except BaseException:
            disk.unlock(lock)
            raise

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._replica.position.serial:
                self._replica.config()
        finally:
            self._replica.disk.unlock(self._lock)


class Replica:
    """Follows the candidates' answers; ``pin`` is what is believed before anything was read.

    ``seen``: a file outside of the cache that remembers the highest term and serial.
    """

    def __init__(self, disk: Disk, state: Working, pin: Pin, *, seen: str = "") -> None:
        self.disk = disk
        self._seen = seen
        self._config: tuple[Position, Config] | None = None
        if seen:
            highest = max((pin.term, pin.serial), _read_seen(seen))
            pin = pin.replace(term=highest[0], serial=highest[1])
        self.state = state
        self._pin = pin
        self._digest = ""
        self._base_signer = ""
        self._remembered = False
        self.trusted = Trusted(state, pin)

    @property
    def position(self) -> Position:
        return self.trusted.position

    @property
    def head(self) -> Head:
        at = self.position
        return Head(term=at.term, serial=at.serial, hash=at.head, base=at.base)

    def config(self) -> Config:
        """The state as a frozen value; the same one as long as nothing changes."""
        at = self.position
        if self._config is None or self._config[0] != at:
            self._config = at, Config(self.state.snapshot())
        return self._config[1]

    def open(self) -> bool:
        """Load what is here; False when there is nothing that can be used."""
        if self.disk.read("head") is None:
            return False
        try:
            with self._alone():
                head = self._stored_head()
                return head is not None and (self.head == head or self._rebuild(head))
        except Damaged:
            return False

    def _alone(self) -> _Alone:
        """No other process of this user changes the copy meanwhile; see what the last one did."""
        return _Alone(self)

    def refresh(self) -> None:
        """See what another process has done to the copy, and put right what one left that died."""
        before = self.position
        self.state.refresh()
        stored = self._stored_head()
        if not self._remembered or self.position != before or stored not in (None, self.head):
            self._remember()
            self.trusted.refresh()
        at = self.position
        if at.serial:
            whole = self.disk.size(f"journal-{at.base}.toml") >= at.offset
            if not whole or stored is None or (
                    stored.term, stored.serial, stored.base) < (at.term, at.serial, at.base):
                self._mend(whole)

    def _mend(self, whole: bool) -> None:
        """The state is ahead of the files: a process was killed between the two.  What it had
        followed was committed, so either the files have it as well, or all is fetched anew."""
        base = self.disk.read(f"base-{self.position.base}.toml")
        if whole and base is not None and hex256(base) == self._digest:
            self._note()
        else:
            self.state.reset({}, Position())
            self.trusted.refresh()
            self.disk.remove("head")

    def _remember(self) -> None:
        self._remembered = True
        data = self.disk.read(TRUST)
        pin = self._pin
        if data:
            known = from_data(Memory, canon.read(data, TRUST, 1 << 20), TRUST)
            if pin.cluster in ("", known.cluster):
                self._digest, self._base_signer = known.digest, known.base_signer
                seen = max((pin.term, pin.serial), (known.term, known.serial))
                pin = Pin(cluster=known.cluster, signers=known.signers, term=seen[0],
                          serial=seen[1])
        self.trusted.pin = self._pin = pin

    def _stored_head(self) -> Head | None:
        try:
            return read_head((self.disk.read("head") or b"").decode())
        except ValueError:
            return None

    def _rebuild(self, head: Head) -> bool:
        """The state from our own files; they were verified when they came, and are again."""
        base = self.disk.read(f"base-{head.base}.toml")
        journal = self.disk.read(f"journal-{head.base}.toml") or b""
        if base is None or hex256(base) != self._digest:
            return False
        try:
            self.trusted.begin(base, f"base-{head.base}.toml", known=True)
            entries, _ = split(journal, f"journal-{head.base}.toml")
            self.trusted.reach(entries, head.hash, f"journal-{head.base}.toml")
        except Damaged:
            return False
        return True

    def accept(self, answer: Answer, where: str) -> list[Txn]:
        """Follow a candidate up to the head it says is committed; returns the new transactions.

        Raises Damaged or NotAuthorised when it is not to be believed, Stale when another process
        has moved the copy to another base meanwhile: ask again then.
        """
        before = self.position
        with self._alone():
            head, now = (answer.head.term, answer.head.serial), self.position
            if (before.term, before.serial) <= head < (now.term, now.serial):
                return []  # it was the newest when we asked; another process has seen more since
            try:
                return self._accept(answer, where)
            except Damaged as error:
                if not 0 < before.term < answer.head.term:
                    raise
                raise Damaged(error.message, hint="if there was a failover without voting, this "
                              f"copy may be of the part that lost: rm -r {self.disk.directory}"
                              ) from None

    def _accept(self, answer: Answer, where: str) -> list[Txn]:
        head, at = answer.head, self.position
        self.trusted.seen(head.term, head.serial, where)
        if (head.term, head.serial) < (at.term, at.serial):
            raise Damaged(f"{where}: its configuration (serial {head.serial}) is older than one "
                          f"seen before (serial {at.serial})",
                          hint=RESTORED)
        if head.serial == at.serial and head.hash != at.head:
            raise Damaged(f"{where}: another history has the serial {head.serial}",
                          hint="gnt-cluster verify says which candidates disagree")
        done: list[Txn] = []
        following = (*answer.parts[1:], None) if answer.parts else ()  # an answer may be cut off
        for part, after in zip(answer.parts, following, strict=True):
            done += self._take_in(part, after, head, f"{where}: {part.kind}-{part.number}.toml")
        if self.position.head != head.hash:
            raise Damaged(f"{where}: its journal does not reach its head {head.serial}")
        if done or (answer.parts and at.base != head.base):
            self._note()
        return done

    def _take_in(self, part: Part, after: Part | None, head: Head, where: str) -> list[Txn]:
        at = self.position
        if part.kind == "base":
            if part.number != at.base:
                self._begin(part.data, where)
            return []
        if part.number != head.base and after is not None:
            entries = self._between(part, after, where)
        elif part.number == at.base and part.offset <= at.offset:
            entries, _ = split(part.data[at.offset - part.offset:], where)
            entries = _up_to(entries, head, where) if at.head != head.hash else []
        else:
            raise Stale(f"{where}: it was asked for what follows byte {at.offset} of {at.base}")
        done = [self.trusted.follow(entry, where) for entry in entries]
        self._write(at.base, at.offset, entries)
        return done

    def _between(self, part: Part, after: Part, where: str) -> list[Entry]:
        """The records of an earlier journal that lead from where we stand to what comes after it.

        None, when the candidate was away and lacks some, or has others at its end: then the base
        must be believed without them.
        """
        at = self.position
        known = at.offset - part.offset if part.number == at.base else 0
        if known < 0 or not at.base <= part.number <= at.serial:
            return []
        try:
            entries, _ = split(part.data[known:], where)
        except Damaged:
            return []
        entries = [entry for entry in entries if entry.serial > at.serial]
        hashes = [entry.hash for entry in entries]
        start = _start(after)
        return entries[:hashes.index(start) + 1] if start in hashes else []

    def _begin(self, data: bytes, where: str) -> None:
        self._base_signer = self.trusted.begin(data, where)
        self._digest = hex256(data)
        number = self.position.base
        self.disk.prepare()
        self.disk.replace(f"base-{number}.toml", data)
        self.disk.replace(f"journal-{number}.toml", b"")
        for old in numbers(self.disk.names(), "base"):
            if old != number:
                self.disk.remove(f"base-{old}.toml")
                self.disk.remove(f"journal-{old}.toml")

    def advance(self, entries: Iterable[Entry], where: str) -> None:
        """More records, that this driver has committed.

        Another process of this user may have read them from the master before we come to this.
        """
        with self._alone():
            at = self.position
            new = [e for e in entries if at.head != e.hash and at.serial <= e.serial]
            if new:
                self._advance(new, where)

    def _advance(self, entries: list[Entry], where: str) -> None:
        at = self.position
        done = [self.trusted.follow(entry, where) for entry in entries]
        self._write(at.base, at.offset, entries)
        self._note(signers=any(path.startswith("signers/") for txn in done for path in txn.paths))

    def rebase(self, data: bytes, where: str) -> None:
        """A new base for the same head."""
        with self._alone():
            self._begin(data, where)
            self._note()

    def _write(self, number: int, offset: int, entries: list[Entry]) -> None:
        if entries:
            records = b"".join(entry.record for entry in entries)
            self.disk.append(f"journal-{number}.toml", offset, records)

    def _note(self, signers: bool = True) -> None:
        """What must be remembered; the head last, as it says that the rest is there."""
        at = self.position
        seen = max((self._pin.term, self._pin.serial), (at.term, at.serial))
        if signers:
            self._pin = Pin(cluster=str((self.state.load("cluster", "cluster") or {})["uuid"]),
                            signers=tuple(self.trusted.signers()), term=seen[0], serial=seen[1])
            self.trusted.pin = self._pin
            memory = Memory(**dict(self._pin.items()), digest=self._digest,
                            base_signer=self._base_signer)
            text = "".join(f"{n} = {canon.value(v)}\n" for n, v in memory.items())
            self.disk.replace(TRUST, canon.encode(text, TRUST))
        if self._seen and seen > _read_seen(self._seen):
            folder, _, name = self._seen.rpartition("/")
            WholeDisk(folder).replace(name, f"{seen[0]} {seen[1]}\n".encode())
        self.disk.replace("head", f"{at.term} {at.serial} {at.head} {at.base}\n".encode())

    def content(self) -> tuple[bytes, bytes]:
        """The base and the committed part of its journal."""
        at = self.position
        base = self.disk.read(f"base-{at.base}.toml")
        journal = self.disk.read(f"journal-{at.base}.toml", 0, at.offset) or b""
        stored = self._stored_head()
        if stored is not None and stored.base != at.base:
            raise Stale("another process has moved on to a new base")
        if base is None or len(journal) != at.offset:
            raise Damaged(f"the copy of the configuration in {self.disk.directory} is incomplete",
                          hint=f"rm -r {self.disk.directory}")
        return base, journal

    @property
    def pin(self) -> Pin:
        """What another copy made from this one must believe in to begin."""
        return self._pin.replace(signers=(self._base_signer, *self._pin.signers))

    def whole(self) -> Answer:
        """What a candidate that stands where this copy does would answer."""
        base, journal = self.content()
        number = self.position.base
        return Answer(status=OK, head=self.head, parts=(
            Part(kind="base", number=number, offset=0, data=base),
            Part(kind="journal", number=number, offset=0, data=journal)))

    def holds(self, entry: Entry) -> bool:
        """Whether a record is in the committed journal."""
        return any(other.hash == entry.hash for other in split(self.content()[1], "journal")[0])

    @property
    def long(self) -> bool:
        """Whether it is time for a new base."""
        at = self.position
        return at.serial - at.base >= MAX_RECORDS or at.offset >= MAX_BYTES

    @property
    def outdated(self) -> bool:
        """Whether the base's signer may no longer sign: newcomers could not believe it."""
        return self._base_signer not in self.trusted.signers()

    def since(self, head: Head) -> list[Entry] | None:
        """The records after ``head``; None when it is not in our journal."""
        at = self.position
        if head.base != at.base:
            return None
        base, journal = self.content()
        entries, _ = split(journal, "journal")
        start = _start(Part(kind="base", number=at.base, offset=0, data=base))
        hashes = [start, *(entry.hash for entry in entries)]
        if head.hash not in hashes:
            return None
        return entries[hashes.index(head.hash):]


def _start(part: Part) -> str:
    """The head that a base or a journal begins after."""
    from gnt.config.base import start

    return start(part.data) if part.kind == "base" else first_prev(part.data)


def _read_seen(path: str) -> tuple[int, int]:
    """The highest (term, serial) seen; a file that cannot be read remembers nothing."""
    try:
        with open(path, encoding="ascii") as file:
            term, serial = map(natural, file.read(100).split())
    except FileNotFoundError:
        return 0, 0
    except (ValueError, OSError):
        raise Damaged(f"{path}, which remembers what was seen, cannot be read",
                      hint=f"rm {path}, if nobody turned the cluster back") from None
    return term, serial


def _up_to(entries: list[Entry], head: Head, where: str) -> list[Entry]:
    for number, entry in enumerate(entries):
        if entry.serial == head.serial and entry.hash == head.hash:
            return entries[: number + 1]
    raise Damaged(f"{where}: the committed record {head.serial} is not in it",
                  hint="gnt-cluster redist-conf repairs a candidate")
