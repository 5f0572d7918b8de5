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
from tests.config.chains import KEY
from tests.config.shells import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gnt.config.signature import FileKey


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
            FollowingState(), Pin(signers=tuple(key.public for key in known)))
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

    def install(self, base: bytes) -> str:
        try:
            self.trusted.begin(base, "n1")
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
        self.trips += 1
        scratch = self.scratch / str(self.trips)
        scratch.mkdir()
        return remote.answer(self.shell.run(self.dialect.frame(message), str(scratch)), "node")

    def take(self, entries: Iterable[Entry], records: bytes | None = None) -> str:
        wanted = list(entries)
        data = b"".join(one.record for one in wanted) if records is None else records
        before = self.journal()
        standing = self.ask(m.Fetch(offset=m.STANDING_ONLY)).head
        answer = self.ask(m.Append(term=wanted[-1].term if hasattr(wanted[-1], "term") else 1,
                                   turn=9, after=standing, serial=wanted[-1].serial,
                                   hash=wanted[-1].hash, records=data))
        if answer.status == m.OK:
            head = m.Head(term=1, serial=wanted[-1].serial, hash=wanted[-1].hash, base=1)
            assert self.ask(m.Learn(head=head, by=1)).status == m.OK
            return ""
        assert self.journal() == before, "it was refused, and kept"
        return answer.problem

    def journal(self) -> bytes:
        path = self.folder / "journal-1.toml"
        return path.read_bytes() if path.exists() else b""

    def install(self, base: bytes) -> str:
        head = m.Head(term=1, serial=1, hash=start(base), base=1)
        answer = self.ask(m.Install(term=1, turn=1, head=head, start=start(base), base=base))
        return "" if answer.status == m.OK else answer.problem or f"status {answer.status}"

    def close(self) -> None:
        self.shell.close()


SIDES = {"driver": Driver, "node": Node}
