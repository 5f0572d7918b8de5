"""The two sides that must believe nothing: a driver's reader, and a hardened node's candidate."""

from __future__ import annotations

from gnt.config import journal, remote, signature
from gnt.config import message as m
from gnt.config.base import start
from gnt.config.journal import Entry, Put, Txn
from gnt.config.memory_state import FollowingState
from gnt.config.trust import Pin, Trusted
from gnt.errors import GntError
from gnt.model.objects import Signer
from gnt.ssh.gate.facts import facts
from tests.config.chains import CLUSTER, KEY, first_data, make_key
from tests.config.shells import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gnt.config.signature import FileKey
    from gnt.engine.ports import Frame, Reply


BOB, EVE = make_key(2), make_key(3)
NAMED = first_data({"admin": KEY.public, "bob": BOB.public})


def entry(serial: int, prev: str, key: FileKey = KEY, **more) -> Entry:
    """A signed record; by default it adds a node."""
    fields = {"term": 1, "turn": 9, "prev": prev, "time": 2.0 + serial, "who": "root@test",
              "operation": "node add",
              "put": (Put(path=f"nodes/x{serial}", value={"name": f"x{serial}"}),), **more}
    body = journal.body(serial, Txn(**fields))
    return Entry(serial=serial, body=body, signature=signature.sign(body, key))


def signer(name: str, key: FileKey, **more) -> Put:
    return Put(path=f"signers/{name}", value={"name": name, "key": key.public, **more})


class Driver:
    """What any reader of the configuration makes of it."""

    def __init__(self, folder: Path, base: bytes, known: Sequence[FileKey] = (KEY,)) -> None:
        self.trusted = Trusted(
            FollowingState(), Pin(signers=tuple(key.public for key in known), cluster=CLUSTER))
        self.trusted.begin(base, "the base")
        self.head = start(base)

    def take(self, entries: Iterable[Entry], records: bytes | None = None) -> str:
        """Why these records are not believed; empty: they are.  ``records``: what is sent."""
        wanted = list(entries)
        before = self.trusted.position
        data = b"".join(one.record for one in wanted) if records is None else records
        try:
            found, used = journal.split(data, "n1")
            if used != len(data):
                return "a torn tail"
            self.trusted.reach(found, wanted[-1].hash, "n1")
        except GntError as error:
            assert error.message
            return error.message
        finally:
            self.moved = self.trusted.position != before
        return ""

    def install(self, base: bytes, entries: Sequence[Entry] = (), *, head: str = "",
                term: int = 1) -> str:
        """Why a whole version, a base and what follows it, is not believed.

        ``head``: of the base, when it is no first one; ``term``: that of who brings it.
        """
        last = entries[-1].hash if entries else head or start(base)
        try:
            self.trusted.begin(base, "n1")
            self.trusted.reach(entries, last, "n1")
        except GntError as error:
            return error.message
        return ""

    def close(self) -> None: ...


class Node:
    """A master candidate of a hardened cluster: its own shell functions and its judge."""

    def __init__(self, folder: Path, base: bytes, known: Sequence[FileKey] = (KEY,)) -> None:
        self.folder, self.scratch = folder / "gnt" / "config", folder / "scratch"
        gate = folder / "gnt" / "gate"
        for made in (self.folder, self.scratch, gate):
            made.mkdir(parents=True)
        (folder / "gnt" / "term").write_text("1\n")
        self.head, self.shell, self.trips = start(base), Shell(), 0
        self.dialect = remote.Dialect(str(self.folder))
        (gate / "judge").write_text(facts().judge)
        lines = [Signer(name=f"s{n}", key=one.public).obeyed
                 for n, one in enumerate(known)]
        (gate / "signers").write_text("".join(f"{line}\n" for line in lines))
        assert not self.install(base)

    def ask(self, message: m.Message) -> m.Answer:
        """As drivers do: quickly, and if that is not simple, once more."""
        if (quick := self.dialect.quick(message)) is not None:
            reply = self.run(quick)
            if reply.status != m.NOT_SIMPLE:
                return remote.answer(reply, "node")
        return remote.answer(self.run(self.dialect.frame(message)), "node")

    def run(self, frame: Frame) -> Reply:
        self.trips += 1
        scratch = self.scratch / str(self.trips)
        scratch.mkdir()
        return self.shell.run(frame, str(scratch))

    def take(self, entries: Iterable[Entry], records: bytes | None = None) -> str:
        wanted = list(entries)
        data = b"".join(one.record for one in wanted) if records is None else records
        before = self.journal()
        standing = self.ask(m.Fetch(offset=m.STANDING_ONLY)).head
        answer = self.ask(m.Append(term=1, turn=9, after=standing, serial=wanted[-1].serial,
                                   hash=wanted[-1].hash, records=data, size=len(before),
                                   count=len(wanted)))
        if answer.status == m.OK:
            head = m.Head(term=1, serial=wanted[-1].serial, hash=wanted[-1].hash, base=1)
            assert self.ask(m.Learn(head=head, by=1)).status == m.OK
            return ""
        assert self.journal() == before, "it was refused, and kept"
        assert answer.problem, "it was refused without a reason"
        return answer.problem

    def journal(self) -> bytes:
        path = self.folder / "journal-1.toml"
        return path.read_bytes() if path.exists() else b""

    def install(self, base: bytes, entries: Sequence[Entry] = (), *, head: str = "",
                term: int = 1) -> str:
        number, first = (40, head) if head else (1, start(base))
        last = entries[-1] if entries else None
        after = m.Head(term=1, serial=last.serial if last else number,
                       hash=last.hash if last else first, base=number)
        answer = self.ask(m.Install(term=term, turn=9, head=after, start=first, base=base,
                                    journal=b"".join(e.record for e in entries)))
        assert answer.status == m.OK or answer.problem, "it was refused without a reason"
        return answer.problem if answer.status != m.OK else ""

    def close(self) -> None:
        self.shell.close()


SIDES = {"driver": Driver, "node": Node}
