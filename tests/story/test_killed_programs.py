"""Programs that act are killed, and nodes stay away: the same command goes on, on a real lab."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.story.conftest import Cluster
from tests.story.outofband import FAKE, SLOW, boots, homes, obedient, powered, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def cluster(new_cluster: Callable[[int], Cluster]) -> Cluster:
    made = obedient(new_cluster)
    for node in ("node2", "node3"):
        made.gnt("instance", "add", "-n", node, *FAKE, f"on-{node}")
    return made


def begun(cluster: Cluster, *words: str, said: str) -> tuple[subprocess.Popen[str], str]:
    """A program that has just said that, and what it told before."""
    process = cluster.lab.start_command(*words)
    told = ""
    assert process.stderr
    for line in process.stderr:
        told += line
        if said in line:
            break
    return process, told


def killed_at(cluster: Cluster, *words: str, said: str) -> str:
    """What a program told until it said that, and was killed at once."""
    process, told = begun(cluster, *words, said=said)
    process.kill()
    process.communicate()
    return told


def left(cluster: Cluster) -> set[str]:
    """What a run has still marked."""
    return {tag for kind, name in (("node", "node1"), ("node", "node2"), ("node", "node3"),
                                   ("instance", "on-node2"), ("instance", "on-node3"))
            for tag in cluster.gnt(kind, "list-tags", name).stdout.split()}


def test_hroller_is_killed_in_every_phase(cluster: Cluster) -> None:
    before, old = homes(cluster), boots(cluster)
    with powered(cluster):
        for phase in ("emptied", "Got job IDs", "rebooted", "awaited"):
            told = killed_at(cluster, "hroller", "-L", "-X", said=phase)
            assert phase in told
        cluster.lab.run("hroller", "-L", "-X", timeout=SLOW)
    new = boots(cluster)
    assert {name for name in new if new[name] != old[name]} == {"node2", "node3"}
    assert homes(cluster) == before and states(cluster) == {"running"}
    assert cluster.listed("node", "drained") == [[False]] * 3
    assert left(cluster) == {"htools:hroller:todo"}  # the master's
    cluster.gnt("cluster", "remove-tags", "htools:hroller:run")


def test_a_node_that_does_not_come_back_is_waited_for_by_the_next_run(cluster: Cluster) -> None:
    before = homes(cluster)
    with powered(cluster, stays=(3,)):
        done = cluster.lab.run("hroller", "-L", "-X", "--boot-timeout", "8s", status=None,
                               timeout=SLOW)
        assert done.returncode == 1
        assert "node3 did not come back within 8 s" in done.stderr, done.stderr
        drained = dict(cluster.listed("node", "name,drained"))
        assert drained["node3"] and not drained["node1"]
        cluster.lab.start(3)
        cluster.lab.run("hroller", "-L", "-X", timeout=SLOW)
    assert cluster.listed("node", "drained") == [[False]] * 3
    assert homes(cluster) == before and states(cluster) == {"running"}


def test_hbal_is_stopped_and_killed_while_its_moves_are_made(cluster: Cluster) -> None:
    words = ("hbal", "-L", "-X", "--min-gain", "0.000001")
    for name in ("a", "b", "c", "d"):
        cluster.gnt("instance", "add", "-n", "node1", *FAKE, name)
    process, _ = begun(cluster, *words, said="Got job IDs")
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=SLOW)
    assert process.returncode == 0
    assert "it stops at the end of this set of jobs" in rest and "Exiting early as asked" in rest
    assert list(homes(cluster).values()).count("node1") in (2, 3)
    killed_at(cluster, *words, said="Got job IDs")
    cluster.lab.run(*words)
    assert sorted(list(homes(cluster).values()).count(f"node{n}") for n in (1, 2, 3)) == [2, 2, 2]
    assert states(cluster) == {"running"}


SLOW_OOB = """#!/bin/sh
: >"/root/asked-$1-$2"
sleep 1
exec /root/oob "$@"
"""


def killed_within(cluster: Cluster, asked: str, *words: str) -> None:
    """A program that is killed while a job of it waits for the out-of-band program."""
    process = cluster.lab.start_command(*words)
    seen = cluster.lab.path(1, f"/root/asked-{asked}")
    latest = time.monotonic() + SLOW
    while not seen.exists() and process.poll() is None and time.monotonic() < latest:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert seen.exists(), f"{asked} was never asked for"
    seen.unlink()


def test_hsqueeze_is_killed_within_the_jobs_of_nodes(cluster: Cluster) -> None:
    cluster.lab.on(1, "sh", "-c", "cat >/root/slow; chmod 755 /root/slow", stdin=SLOW_OOB)
    for node in ("node2", "node3"):
        cluster.gnt("node", "modify", "--node-parameters", "oob_program=/root/slow", node)
    less = ("hsqueeze", "-L", "-X", "--target-resources=0.1", "--minimal-resources=0.1")
    more = ("hsqueeze", "-L", "-X", "--minimal-resources=100000")
    first = cluster.lab.run("hsqueeze", "-L", "--target-resources=0.1", "--minimal-resources=0.1")
    nodes = [line for line in first.stdout.splitlines() if line.startswith("node")]
    with powered(cluster):
        killed_within(cluster, f"power-off-{nodes[0]}", *less)
        cluster.lab.run(*less, timeout=SLOW)
        assert [n for n, on in cluster.listed("node", "name,powered") if not on] == sorted(nodes)
        killed_within(cluster, f"power-on-{nodes[-1]}", *more)
        cluster.lab.run(*more, timeout=SLOW)
    assert cluster.listed("node", "offline,powered") == [[False, True]] * 3
    assert "standby" not in "".join(left(cluster)) and states(cluster) == {"running"}
    assert not [state for (state,) in cluster.listed("job", "status") if state != "success"]
