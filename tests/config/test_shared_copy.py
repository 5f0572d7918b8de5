"""Processes of one user share one copy of the configuration: all see the truth, none stumbles."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from chains import KEY
from clusters import Cluster, change

from gnt.config.compaction import compact
from gnt.config.disk import CacheDisk
from gnt.config.failover import take_over
from gnt.config.replica import Replica
from gnt.config.sqlite_state import SqliteState
from gnt.config.trust import Pin

pytestmark = pytest.mark.later

HERE = Path(__file__).parent
PROCESSES = 8
BEGIN = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from pathlib import Path
from test_shared_copy import sharing
from clusters import change
from gnt.config.compaction import compact
place, number, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
"""
WORK = BEGIN + """
kept = None
for index in range(rounds):
    store = kept if kept and index % 3 else sharing(place)
    kept = store
    before = store.read()
    held = sorted(i.uuid for i in before.instances)
    mine = "%d-%d" % (number, index)
    store.commit(lambda _: change("instances/" + mine), attempts=200)
    assert mine in [i.uuid for i in store.read().instances], "my own change is not there"
    assert sorted(i.uuid for i in before.instances) == held, "a reader's state changed"
    if index % 4 == number % 4:
        compact(store)
"""
COMMIT = BEGIN + """
store = sharing(place)
index = 0
while True:
    index += 1
    store.commit(lambda _: change("instances/%d-%d" % (number, index)), attempts=200)
    print("%d-%d" % (number, index), flush=True)
    if index % 3 == 0:
        compact(store)
"""

FAIL_OVER = BEGIN + """
from gnt.config.failover import take_over
from gnt.errors import Damaged, GntError
for index in range(rounds):
    try:
        take_over(sharing(place), "n%d" % number)
    except Damaged:
        raise
    except GntError as error:
        print(error)
"""


def sharing(place):
    """A driver whose copy is shared with all others made here."""
    folder = place / "copy"
    (folder / "config").mkdir(parents=True, exist_ok=True)
    store = Cluster(place).driver(replica=folder)
    store.replica = Replica(
        CacheDisk(str(folder / "config")), SqliteState(str(folder / "state.sqlite")),
        Pin(signers=(KEY.public,)), seen=str(place / "seen"))
    return store


def start(code, place, *words):
    text = code.format(root=str(HERE.parents[1]), here=str(HERE))
    return subprocess.Popen([sys.executable, "-c", text, str(place), *map(str, words)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_eight_processes_read_and_commit(tmp_path):
    Cluster(tmp_path).create()
    rounds = 5
    running = [start(WORK, tmp_path, number, rounds) for number in range(PROCESSES)]
    said = [process.communicate()[1] for process in running]
    assert [text for text in said if text] == []
    config = sharing(tmp_path).read()
    wanted = {f"{number}-{index}" for number in range(PROCESSES) for index in range(rounds)}
    assert {i.uuid for i in config.instances} == wanted
    assert config.serial == 1 + len(wanted)


def test_a_killed_process_leaves_a_copy_that_can_be_used(tmp_path):
    Cluster(tmp_path).create()
    told = set()
    for number in range(1, 6):
        two = [start(COMMIT, tmp_path, 2 * number + i, 0) for i in range(2)]
        told |= {process.stdout.readline().strip() for process in two}
        threading.Event().wait(0.007 * number)  # somewhere in the next commits
        two[0].kill()
        threading.Event().wait(0.02)
        two[1].kill()
        for process in two:
            said, complaint = process.communicate()
            told |= set(said.split())
            assert (process.returncode, complaint) == (-signal.SIGKILL, "")
        store = sharing(tmp_path)
        there = {i.uuid for i in store.read().instances}
        assert told <= there
        assert {i.uuid for i in sharing(tmp_path).cached().instances} == there
    store.replica.content()  # its files are complete, too


def state_ahead(folder):
    """Killed between the state and the journal."""
    journal = max(folder.glob("journal-*.toml"))
    journal.write_bytes(journal.read_bytes()[:-20])


def head_behind(folder):
    """Killed before the head was noted."""
    (folder / "head").write_bytes((folder / "older").read_bytes())


def base_ahead(folder):
    """Killed when the state stood on the new base, and the head did not say so yet."""
    head, trust = (folder / "head").read_bytes(), (folder / "trust.toml").read_bytes()
    compact(sharing(folder.parents[1]))
    (folder / "head").write_bytes(head)
    (folder / "trust.toml").write_bytes(trust)


def head_missing(folder):
    (folder / "head").unlink()


@pytest.mark.parametrize("leave", [state_ahead, head_behind, base_ahead, head_missing])
def test_what_a_killed_process_can_leave_is_mended(tmp_path, leave):
    Cluster(tmp_path).create()
    store = sharing(tmp_path)
    store.commit(lambda _: change("instances/a"))
    folder = tmp_path / "copy" / "config"
    (folder / "older").write_bytes((folder / "head").read_bytes())
    store.commit(lambda _: change("instances/b"))
    leave(folder)
    (folder / "older").unlink()
    next_one = sharing(tmp_path)
    assert {i.uuid for i in next_one.read().instances} == {"a", "b"}
    next_one.replica.content()
    last = sharing(tmp_path)
    assert {i.uuid for i in last.cached().instances} == {"a", "b"}
    assert last.commit(lambda _: change("instances/c")).serial == 4
    last.replica.content()


def test_failovers_of_one_user_at_once_do_not_use_each_other_s_copy(tmp_path):
    """One of them may be refused, as if it came from another host; nothing is called damaged."""
    Cluster(tmp_path).create()
    running = [start(FAIL_OVER, tmp_path, number, 3) for number in (1, 2, 3)]
    said = [process.communicate()[1] for process in running]
    assert [text for text in said if text] == []
    store = sharing(tmp_path)
    killed = tmp_path / "copy/config/failover-0"  # no process has this number
    killed.mkdir()
    take_over(store, "n3")
    assert store.commit(lambda _: change("instances/after")).master.name == "n3"
    assert not killed.exists()
    assert list((tmp_path / "copy/config").glob("failover-*")) == []
