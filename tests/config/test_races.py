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
