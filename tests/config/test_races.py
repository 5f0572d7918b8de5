"""Several drivers at once, some of them killed: nothing acknowledged is lost or done twice."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from clusters import Cluster, change

from gnt.config.remote import Dialect

pytestmark = pytest.mark.later

HERE = Path(__file__).parent
DRIVER = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from pathlib import Path
from clusters import Cluster, change
cluster = Cluster(Path({place!r}), kind={kind!r})
cluster.numbers = iter(range({number} * 1000, {number} * 1000 + 999))
store = cluster.driver(who="driver{number}")
count = 0
while True:
    count += 1
    store.commit(lambda _: change("instances/{number}-%d" % count), attempts=50)
    print("{number}-%d" % count, flush=True)
"""


def commit_in_thread(cluster, number, count, errors):
    try:
        store = cluster.driver(who=f"driver{number}")
        for index in range(count):
            store.commit(lambda _, i=index: change(f"instances/{number}-{i}"), attempts=50)
    except BaseException as error:
        errors.append(error)
        raise


@pytest.mark.parametrize("kinds", [("local", "local"), ("remote", "remote"), ("local", "remote")])
def test_drivers_at_once(tmp_path, kinds):
    Cluster(tmp_path).create()
    errors, threads, clusters = [], [], []
    for number, kind in enumerate(kinds):
        cluster = Cluster(tmp_path, kind=kind)
        cluster.numbers = iter(range(100 * (number + 1), 100 * (number + 2)))
        clusters.append(cluster)
        threads.append(threading.Thread(target=commit_in_thread, args=(cluster, number, 6, errors)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    reader = Cluster(tmp_path)
    reader.numbers = iter(range(900, 999))
    config = reader.driver().read()
    assert {i.uuid for i in config.instances} == {f"{n}-{i}" for n in range(2) for i in range(6)}
    assert config.serial == 13
    for cluster in clusters:
        cluster.close()


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_killed_driver_loses_nothing_and_stops_nobody(tmp_path, kind):
    cluster = Cluster(tmp_path)
    cluster.create()
    told = set()
    for number in range(1, 7):
        code = DRIVER.format(root=str(HERE.parents[1]), here=str(HERE), place=str(tmp_path),
                             kind=kind, number=number)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                                   start_new_session=True)
        told.add(process.stdout.readline().strip())
        threading.Event().wait(0.004 * number)  # somewhere in the next commit
        os.killpg(process.pid, signal.SIGKILL)  # its shells, too: this host was switched off
        told |= {line.strip() for line in process.stdout if line.endswith("\n")}
        process.wait()
        process.stdout.close()
    config = cluster.driver().commit(lambda _: change("instances/last"), attempts=50)
    there = {i.uuid for i in config.instances}
    assert told <= there
    assert len(there) - 1 <= len(told) + 6  # each may have committed one that it could not tell
    assert set(cluster.driver().redistribute().values()) == {""}
    assert len(cluster.heads()) == 1


def test_a_driver_that_hangs_in_its_turn_stops_others_for_its_lease_only(tmp_path):
    cluster = Cluster(tmp_path, kind="remote")
    hanging = cluster.create()
    hanging.peers._dialects["n1"] = Dialect(cluster.disks["n1"].directory, lease=1)
    hanging.hold_turn()
    other = cluster.driver()
    assert other.commit(lambda _: change("instances/b")).serial == 2
    config = hanging.commit(lambda _: change("instances/a"))
    assert ({i.uuid for i in config.instances}, config.serial) == ({"a", "b"}, 3)
    cluster.close()


STOPPED = """
import os, signal, sys
sys.path[:0] = [{root!r}, {here!r}]
from pathlib import Path
from clusters import Cluster, change
cluster = Cluster(Path({place!r}), lease={lease})
cluster.numbers = iter(range(5000, 5999))
store = cluster.driver(who="stopped")
def before(name, message):
    if type(message).__name__ == {stops!r}:
        store.peers.before = lambda name, message: None
        os.kill(os.getpid(), signal.SIGSTOP)
store.peers.before = before
print(store.commit(lambda _: change("instances/stopped")).serial, flush=True)
"""


def stopped_driver(place, stops, lease=1):
    """A process on the master that stops itself before it sends such a message in its turn."""
    code = STOPPED.format(root=str(HERE.parents[1]), here=str(HERE), place=str(place), lease=lease,
                          stops=stops)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    return process


@pytest.mark.parametrize("other", ["local", "remote"])
@pytest.mark.parametrize("stops", ["Append", "Commit"])
def test_a_stopped_driver_on_the_master_loses_its_turn_and_finds_out(tmp_path, stops, other):
    Cluster(tmp_path).create()
    stopped = stopped_driver(tmp_path, stops)
    cluster = Cluster(tmp_path, kind=other)
    store = cluster.driver()
    assert store.commit(lambda _: change("instances/other")).serial == 2
    stopped.send_signal(signal.SIGCONT)
    assert stopped.communicate()[0] == "3\n"
    assert {i.uuid for i in store.read().instances} == {"other", "stopped"}
    assert [name for name in cluster.disks["n1"].names() if name.startswith("lease")] == []
    cluster.close()


def test_a_stopped_driver_that_nobody_waited_for_goes_on(tmp_path):
    store = Cluster(tmp_path).create()
    stopped = stopped_driver(tmp_path, "Commit", lease=0)
    stopped.send_signal(signal.SIGCONT)
    assert stopped.communicate()[0] == "2\n"
    assert {i.uuid for i in store.read().instances} == {"stopped"}


@pytest.mark.parametrize("other", ["local", "remote"])
def test_a_driver_killed_in_its_turn_on_the_master_frees_it_at_once(tmp_path, other):
    Cluster(tmp_path).create()
    killed = stopped_driver(tmp_path, "Commit", lease=10**6)
    killed.kill()
    killed.communicate()
    cluster = Cluster(tmp_path, kind=other)
    assert cluster.driver().commit(lambda _: change("instances/other")).serial == 2
    cluster.close()


@pytest.mark.parametrize("other", ["local", "remote"])
def test_a_turn_on_the_master_is_waited_for(tmp_path, other):
    first = Cluster(tmp_path).create()
    first.hold_turn()
    threading.Timer(0.5, first.release).start()
    cluster = Cluster(tmp_path, kind=other)
    config = cluster.driver().hold_turn()
    assert (first.turn, config.serial) == (None, 1)
    cluster.close()
