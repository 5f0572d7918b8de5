"""The files of a driver cannot be written, for a while or for ever: its cached state, in SQLite,
its columns, what it remembers.

The size to which a file may grow is limited, byte by byte: a write is short, the next one fails
(EFBIG, which is to a program what a full disk is).  Whatever was said is true, nothing that was
committed is lost, and when there is room, the next command works.
"""

from __future__ import annotations

import contextlib
import resource

import pytest
from clusters import Cluster, change

from gnt.cli import failure
from gnt.config.columns import head, load_columns, save_columns
from gnt.config.commit import NotKept
from gnt.config.consent import ConsentFile
from gnt.config.disk import Disk
from gnt.config.signature import make_key
from gnt.config.sqlite_state import SqliteState
from gnt.engine import planfile
from gnt.errors import UsageError
from gnt.plan import Plan
from tests.engine.toys import Build, cluster_data
from tests.fakes.store import Disk as FakeDisk

pytestmark = pytest.mark.later
SIZES = [0, 1, 100, 4096, 8192, 20000, 32768, 33000, 45056, 10**8]


@contextlib.contextmanager
def limited(size):
    """No file of this process grows beyond ``size`` bytes; None: as they like."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


class Cramped(SqliteState):
    """A state whose writes find a full disk; ``left``: how many do, then there is room again."""

    size, left = None, 0

    def _call(self, function, *words, writes=True):
        room = self.left <= 0
        self.left -= writes
        with limited(None if room else self.size):
            return function(*words)

    def apply(self, txn, at):
        return self._call(super().apply, txn, at)

    def reset(self, data, at):
        return self._call(super().reset, data, at)

    def refresh(self):
        return self._call(super().refresh, writes=False)


def names(config):
    return {instance.uuid for instance in config.instances}


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    made.create()
    (tmp_path / "copy").mkdir(mode=0o700)
    return made


def driver(cluster, state=SqliteState):
    copy = cluster.path / "copy"
    return cluster.driver(replica=copy, state=state(str(copy / "state.sqlite")))


@pytest.mark.parametrize("known", [True, False], ids=["a copy", "no copy"])
@pytest.mark.parametrize("calls", [1, 2, 10**6], ids=["once", "twice", "for ever"])
def test_every_size_to_which_the_state_may_grow(cluster, calls, known):
    there, kept = set(), 0
    for number, size in enumerate(SIZES):
        if not known:
            (cluster.path / "copy" / "head").unlink(missing_ok=True)
        store = driver(cluster, Cramped)
        if known:
            store.read()
        store.replica.state.size, store.replica.state.left = size, calls
        name = f"i{number}"
        try:
            assert names(store.commit(lambda _, n=name: change(f"instances/{n}"))) >= {name}
            there.add(name)
        except NotKept as error:
            there.add(name)
            kept += 1
            assert f"change {len(there) + 1} is committed" in error.message
            assert str(cluster.path / "copy") in error.hint
        except OSError as error:
            assert error.filename.startswith(str(cluster.path / "copy"))
        store.release()
        assert names(driver(cluster).read()) == there
        assert names(cluster.driver().read()) == there
    assert kept or not known
    assert len(there) > kept  # with room for a hundred megabytes


def test_a_reader_with_a_full_disk_is_told_which(cluster):
    store = driver(cluster, Cramped)
    store.replica.state.size, store.replica.state.left = 0, 10**6
    with pytest.raises(OSError) as caught:
        store.read()
    assert caught.value.filename == str(cluster.path / "copy" / "state.sqlite")
    assert [p.name for p in (cluster.path / "copy").iterdir() if "sqlite" in p.name] == []
    assert driver(cluster).read().serial == 1


class FullDisk(Disk):
    """A driver's copy in the format of candidates."""

    room = None

    def write(self, descriptor, data):
        with limited(self.room):
            return super().write(descriptor, data)


@pytest.mark.parametrize("size", [0, 1, 50, 300, 1000, 2500])
def test_every_size_to_which_the_copy_may_grow(cluster, size):
    store = driver(cluster)
    before = names(store.read())
    store.replica.disk = FullDisk(store.replica.disk.directory)
    store.replica.disk.room = size
    with pytest.raises((NotKept, OSError)):
        for number in range(20):
            before = names(store.commit(lambda _, n=number: change(f"instances/i{n}")))
    seen = names(driver(cluster).read())
    assert seen == names(cluster.driver().read()) >= before and len(seen) <= len(before) + 1


@pytest.mark.parametrize("size", [0, 1, 40, 200])
def test_columns_that_cannot_be_kept_are_not_there(tmp_path, size):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "head").write_text(f"1 2 {'ab' * 32} 1\n")
    at = head(str(tmp_path)).split()[2]
    columns = {"name": [f"instance{n}" for n in range(40)]}
    with limited(size):
        save_columns(str(tmp_path), "instance", at, columns)
    assert load_columns(str(tmp_path), "instance") is None
    assert not [p for p in (tmp_path / "columns").glob("*")]
    save_columns(str(tmp_path), "instance", at, columns)
    assert load_columns(str(tmp_path), "instance") == columns


# --- files that people asked for ------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 200, 350])
def test_half_a_key_is_none(tmp_path, size):
    with limited(size), pytest.raises(OSError):
        make_key(str(tmp_path / "keys" / "signer"))
    assert list((tmp_path / "keys").iterdir()) == []
    assert make_key(str(tmp_path / "keys" / "signer")).public.startswith("ssh-ed25519 ")


@pytest.mark.parametrize("size", [0, 1, 100])
def test_half_a_plan_is_none(tmp_path, size):
    cfg = FakeDisk(cluster_data()).config()
    words = str(tmp_path / "plan"), cfg, Build(name="web"), Plan()
    with limited(size), pytest.raises(UsageError, match="cannot write the plan"):
        planfile.write(*words)
    assert list(tmp_path.iterdir()) == []
    planfile.write(*words)
    with pytest.raises(UsageError, match="File exists"):
        planfile.write(*words)


@pytest.mark.parametrize("size", [0, 1, 30])
def test_what_others_agreed_to_stays_when_one_more_cannot_be_added(tmp_path, size):
    path = tmp_path / "one.consent"
    consent = ConsentFile(str(path))
    consent._write(b"what it is about\n", ["first"])
    before = path.read_bytes()
    with limited(size), pytest.raises(OSError):
        consent._write(b"what it is about\n", ["first", "second"])
    assert path.read_bytes() == before
    consent._write(b"what it is about\n", ["first", "second"])
    assert path.read_bytes() > before


def test_a_report_that_cannot_be_written_is_not_named():
    with limited(0):
        assert failure.report(ValueError("no"), ["gnt"]) == ""
