"""A place for candidates of both kinds, and what drivers say to them."""

import pytest
from chains import bytes_of, first_head, head_after, make_base
from shells import Shells

from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import Disk
from gnt.config.remote import Dialect, RemoteCandidate, RemotePeers

BASE = make_base()
FIRST = first_head(BASE)


class Place:
    """A directory with as many candidates of one kind on it as a test asks for."""

    def __init__(self, kind, path):
        self.kind = kind
        self.disk = Disk(str(path / "gnt" / "config"))
        self.path = path
        self.open = []

    def driver(self, lease=20):
        """A candidate as one driver sees it: its own shell, or its own process state."""
        if self.kind == "local":
            return LocalCandidate(self.disk)
        scratch = self.path / f"scratch{len(self.open)}"
        scratch.mkdir()
        shells = Shells(str(scratch))
        self.open.append(shells)
        peers = RemotePeers(shells, dialect=Dialect(self.disk.directory, lease))
        return RemoteCandidate(peers, "n1")

    def file(self, name):
        return self.disk.read(name)

    def close(self):
        for shells in self.open:
            shells.close()


@pytest.fixture(params=["local", "remote"])
def place(request, tmp_path):
    made = Place(request.param, tmp_path)
    yield made
    made.close()


def install(candidate, entries=(), term=1, turn=1, base=BASE):
    head = head_after(entries[-1]) if entries else FIRST
    return candidate.answer(m.Install(term=term, turn=turn, head=head, start=FIRST.hash, base=base,
                                      journal=bytes_of(entries)))


def append(candidate, after, entries, term=1, turn=1, kind=m.Append):
    return candidate.answer(kind(term=term, turn=turn, after=after, serial=entries[-1].serial,
                                 hash=entries[-1].hash, records=bytes_of(entries)))


def commit(candidate, after, entries, turn):
    return append(candidate, after, entries, turn[0], turn[1], m.Commit)


def standing(candidate):
    return candidate.answer(m.Fetch(offset=m.STANDING_ONLY))


def sized(after, entry, size, **changes):
    """An append that says how long the journal is, so that a shell can be quick."""
    message = m.Append(term=1, turn=1, after=after, serial=entry.serial, hash=entry.hash,
                       records=entry.record, size=size)
    return message.replace(**changes)
