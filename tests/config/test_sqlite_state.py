"""SQLite and dictionaries are the same state; a bad cache is made anew."""

import gc
import os
import sqlite3
import threading

import pytest
from chains import KEY, first_data
from clusters import Cluster, change
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.config.journal import Put, Txn
from gnt.config.memory_state import FollowingState
from gnt.config.sqlite_state import LONG, SqliteState, stamp
from gnt.config.trust import Position
from gnt.model.config import INDEXES
from gnt.model.objects import Instance

KEYS = st.sampled_from(["a", "b", "c", "d"])
THINGS = st.fixed_dictionaries({"name": st.sampled_from(["x", "y", "z"])}, optional={
    "primary_node": st.sampled_from(["n1", "n2"]),
    "network_port": st.integers(11000, 11003),
    "nics": st.lists(st.fixed_dictionaries({"mac": st.sampled_from(["m1", "m2", "m3"])}),
                     max_size=2)})
PUTS = st.lists(st.tuples(KEYS, THINGS), max_size=3)
TXNS = st.lists(st.tuples(PUTS, st.lists(KEYS, max_size=2)), max_size=5)


def at(serial):
    return Position(term=1, turn=serial, serial=serial, head=f"{serial:064}", base=1,
                    offset=serial * 10)


def txn(puts, drops):
    return Txn(term=1, turn=1, prev="", time=1.0, who="", operation="", put=tuple(
        Put(path=f"instances/{key}", value=thing) for key, thing in puts),
        drop=tuple(f"instances/{key}" for key in drops))


def shown(state):
    keys = list(state.keys("instances"))
    found = {(index, value): set(state.find(index, value)) for index in INDEXES
             for value in ("x", "y", "z", "n1", "n2", "m1", "m2", "11000", "11002")}
    return sorted(keys), {key: state.load("instances", key) for key in keys}, found, state.serial


@settings(max_examples=40, deadline=None)
@given(TXNS)
def test_both_states_are_one(tmp_path_factory, txns):
    path = tmp_path_factory.mktemp("s", numbered=True)
    plain, fast = FollowingState(), SqliteState(str(path / "state"))
    data = {"instances": {"a": {"name": "x", "primary_node": "n1"}}}
    snapshots = []
    for state in (plain, fast):
        state.reset(data, at(1))
    for serial, (puts, drops) in enumerate(txns, 2):
        snapshots.append((plain.snapshot(), fast.snapshot(), shown(fast.snapshot())))
        for state in (plain, fast):
            state.apply(txn(puts, drops), at(serial))
        assert shown(plain) == shown(fast)
    again = SqliteState(str(path / "state"))
    again.refresh()
    assert shown(again) == shown(plain)
    for slow, quick, before in snapshots:
        assert shown(slow) == shown(quick) == before


def store_at(cluster, directory):
    return cluster.driver(replica=directory, state=SqliteState(str(directory / "state.sqlite")))


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "copy"
    made.mkdir(mode=0o700)
    return made


def test_a_second_command_finds_the_state(tmp_path, directory):
    cluster = Cluster(tmp_path)
    store = store_at(cluster, directory)
    store.create(first_data(), "n1")
    store.commit(lambda _: change("instances/a"))
    (directory / "base-1.toml").unlink()  # it is not needed any more
    config = store_at(cluster, directory).cached()
    assert config.found(Instance, "instance.name", "name-of-a")[0].uuid == "a"
    assert [signer.key for signer in config.signers] == [KEY.public]


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100])
def test_a_damaged_cache_is_made_anew(tmp_path, directory, damage):
    cluster = Cluster(tmp_path)
    store = store_at(cluster, directory)
    store.create(first_data(), "n1")
    store.commit(lambda _: change("instances/a"))
    (directory / "state.sqlite").write_bytes(damage)
    again = store_at(cluster, directory)
    assert [i.uuid for i in again.read().instances] == ["a"]
    assert [i.uuid for i in store_at(cluster, directory).cached().instances] == ["a"]


def test_a_cache_that_others_can_write_is_made_anew(tmp_path, directory):
    cluster = Cluster(tmp_path)
    store_at(cluster, directory).create(first_data(), "n1")
    before = os.stat(directory / "state.sqlite").st_ino
    os.chmod(directory / "state.sqlite", 0o666)
    assert store_at(cluster, directory).read().serial == 1
    assert os.stat(directory / "state.sqlite").st_ino != before


@pytest.mark.parametrize(("name", "mode", "ours"), [
    ("s", 0o644, True), ("s", 0o620, False), ("s", 0o602, False),
    (".", 0o755, True), (".", 0o770, False), (".", 0o707, False)])
def test_what_others_could_have_written_is_not_read(directory, name, mode, ours):
    state_with(directory, {"a": {"name": "x"}})
    (directory / name).chmod(mode)
    state = SqliteState(str(directory / "s"))
    state.refresh()
    assert (state.serial, (directory / "s").exists()) == ((1, True) if ours else (0, False))


def test_two_commands_at_once_share_the_copy(tmp_path, directory):
    cluster = Cluster(tmp_path)
    one = store_at(cluster, directory)
    one.create(first_data(), "n1")
    other = store_at(cluster, directory)
    seen = other.read()
    for name in "abc":
        one.commit(lambda _, n=name: change(f"instances/{n}"))
        other.commit(lambda _, n=name: change(f"instances/{n}{n}"))
    assert [i.uuid for i in seen.instances] == []
    expected = ["a", "aa", "b", "bb", "c", "cc"]
    assert [i.uuid for i in other.read().instances] == expected
    assert [i.uuid for i in store_at(cluster, directory).cached().instances] == expected
    assert [i.uuid for i in cluster.driver().read().instances] == expected


def test_the_state_says_where_it_stands_and_what_is_not_there(directory):
    state = SqliteState(str(directory / "s"))
    assert (state.term, state.serial, state.head) == (0, 0, "") and list(state.keys("nodes")) == []
    state.refresh()
    state.reset({"instances": {"a": {"name": "x"}}}, at(3))
    assert (state.term, state.serial, state.head) == (1, 3, f"{3:064}")
    assert state.load("instances", "b") is None and state.load("nodes", "a") is None
    assert state.load("instances", "a") == {"name": "x"}
    assert state.everything() == {"instances": {"a": {"name": "x"}}}
    assert list(state.keys("instances")) == ["a"]
    again = SqliteState(str(directory / "s"))
    again.refresh()
    assert (again.serial, again.find("instance.name", "x")) == (3, state.find("instance.name", "x"))


def test_the_left_overs_of_a_process_that_died_do_not_matter(directory):
    (directory / f"s.{os.getpid()}").write_bytes(b"half a file")
    state = SqliteState(str(directory / "s"))
    state.reset({"instances": {}}, at(1))
    assert not (directory / f"s.{os.getpid()}").exists()
    assert (directory / "s").stat().st_mode & 0o777 == 0o600


def test_a_transaction_that_cannot_be_stored_is_none(directory):
    state = SqliteState(str(directory / "s"))
    state.reset({"instances": {"a": {"name": "x"}}}, at(1))
    with pytest.raises(ValueError, match="unmarshallable"):
        state.apply(txn([("b", {"name": "y"}), ("c", {"name": object()})], ["a"]), at(2))
    assert state.serial == 1
    assert state.everything() == {"instances": {"a": {"name": "x"}}}
    state.apply(txn([("b", {"name": "y"})], ["a", "nothing"]), at(2))
    assert state.everything() == {"instances": {"b": {"name": "y"}}} and state.serial == 2


def state_with(directory, things):
    state = SqliteState(str(directory / "s"))
    state.reset({"instances": things}, at(1))
    return state


def test_a_cache_of_another_python_boot_or_layout_is_empty(directory):
    state_with(directory, {"a": {"name": "x"}})
    other = sqlite3.connect(directory / "s")
    other.execute("update meta set stamp = ?", (stamp("/nowhere"),))
    other.commit()
    other.close()
    again = SqliteState(str(directory / "s"))
    again.refresh()
    assert again.position == Position() and list(again.keys("instances")) == []
    assert stamp() == stamp() != stamp("/nowhere")


def test_a_long_log_is_emptied_by_who_opens_the_file_next(directory):
    state = state_with(directory, {"a": {"name": "x"}})
    state.apply(txn([("b", {"name": "y" * LONG})], []), at(2))
    gc.collect()  # a connection holds itself; then nobody reads what was before
    log = directory / "s-wal"
    assert log.stat().st_size > LONG
    again = SqliteState(str(directory / "s"))
    again.refresh()
    assert log.stat().st_size == 0
    assert again.everything() == {"instances": {"a": {"name": "x"}, "b": {"name": "y" * LONG}}}


def test_a_short_log_stays(directory):
    state = state_with(directory, {"a": {"name": "x"}})
    state.apply(txn([("b", {"name": "y"})], []), at(2))
    size = (directory / "s-wal").stat().st_size
    again = SqliteState(str(directory / "s"))
    again.refresh()
    assert (directory / "s-wal").stat().st_size == size > 0


class Crowded(SqliteState):
    """No more files can be opened."""

    def _shorten(self):
        raise OSError(24, "Too many open files")


def test_trouble_that_is_not_the_file_s_leaves_it_there(directory):
    state_with(directory, {"a": {"name": "x"}})
    crowded = Crowded(str(directory / "s"))
    with pytest.raises(OSError, match="Too many open files"):
        crowded.refresh()
    again = SqliteState(str(directory / "s"))
    again.refresh()
    assert list(again.keys("instances")) == ["a"]


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100])
def test_a_file_that_is_no_cache_is_removed(directory, damage):
    state_with(directory, {"a": {"name": "x"}})
    for suffix in ("", "-wal", "-shm"):
        (directory / f"s{suffix}").write_bytes(damage)
    state = SqliteState(str(directory / "s"))
    state.refresh()
    assert state.position == Position() and list(directory.iterdir()) == []


def test_several_transactions_between_two_looks(directory):
    state = state_with(directory, {"a": {"name": "x"}, "b": {"name": "x"}})
    state.apply(txn([("c", {"name": "x"})], []), at(2))
    state.apply(txn([("a", {"name": "x", "primary_node": "n1"})], ["b"]), at(3))
    assert list(state.keys("instances")) == ["a", "c"]  # as they were made
    assert state.find("instance.name", "x") == ("a", "c")
    found = sqlite3.connect(directory / "s").execute("select count(*) from found").fetchone()
    assert found == (sum(len(state.find(i, v)) for i, v in (
        ("instance.name", "x"), ("instance.primary_node", "n1"))),)


def test_a_state_begins_anew_after_a_change(directory):
    state = state_with(directory, {"a": {"name": "x"}})
    state.apply(txn([("b", {"name": "y"})], []), at(2))
    state.reset({"instances": {"c": {"name": "z"}}}, at(7))
    assert (state.serial, state.everything()) == (7, {"instances": {"c": {"name": "z"}}})
    state.apply(txn([("d", {"name": "z"})], []), at(8))
    assert state.find("instance.name", "z") == ("c", "d")
    assert sorted(file.name for file in directory.iterdir() if "." in file.name) == []


def test_a_file_is_opened_when_it_is_first_needed(directory):
    state_with(directory, {"a": {"name": "x"}})
    fresh = SqliteState(str(directory / "s"))
    assert fresh.load("instances", "a") == {"name": "x"}
    assert fresh.find("instance.name", "x") == ("a",)


def test_what_nobody_has_changed_is_not_opened_again(directory):
    state = state_with(directory, {"a": {"name": "x"}})
    before = state.snapshot()
    state.refresh()
    assert state.snapshot() is before
    other = SqliteState(str(directory / "s"))
    other.refresh()
    other.apply(txn([("b", {"name": "y"})], []), at(2))
    state.refresh()
    assert state.snapshot() is not before
    assert (list(before.keys("instances")), list(state.keys("instances"))) == (["a"], ["a", "b"])


def test_threads_share_what_one_of_them_has_read(directory):
    snapshot = state_with(directory, {"a": {"name": "x"}}).snapshot()
    found = []
    reader = threading.Thread(target=lambda: found.append(snapshot.load("instances", "a")))
    reader.start()
    reader.join()
    assert found == [{"name": "x"}]


@pytest.mark.parametrize("kind", ["plain", "fast"])
def test_what_was_seen_stays_though_the_state_begins_anew(directory, kind):
    state = FollowingState() if kind == "plain" else SqliteState(str(directory / "s"))
    assert (state.term, state.serial, state.head) == (0, 0, "")
    state.reset({"instances": {"a": {"name": "x"}}}, at(1))
    before = state.snapshot()
    state.reset({"instances": {"b": {"name": "y"}}}, at(5))
    state.apply(txn([("a", {"name": "z"})], ["b"]), at(6))
    assert (before.serial, before.load("instances", "a"), before.load("instances", "b")) == (
        1, {"name": "x"}, None)
    assert before.find("instance.name", "x") == ("a",)
    assert (state.serial, state.everything()) == (6, {"instances": {"a": {"name": "z"}}})


def test_a_file_that_is_gone_is_seen(directory):
    state = state_with(directory, {})
    state.refresh()
    assert state.serial == 1
    (directory / "s").unlink()
    state.refresh()
    assert state.serial == 0
