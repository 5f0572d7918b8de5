"""The five faults that broke the reference system (each measured there), on real hosts and sshd.

An isolated old master kept accepting writes; after the partition had healed, one write there
replaced the configuration of all nodes, and what others were told was saved was lost; a flipped
value was taken as it stood; a full disk left a job running for ever; a killed daemon left its
client hanging.
"""

from __future__ import annotations

import signal
import time

import pytest

from tests.story.test_faults import NODE_PYTHON, fill, visible_to_nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.labs import Done
    from tests.story.conftest import Cluster

ADD = ("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2")


@pytest.fixture(scope="module")
def healthy(new_cluster: Callable[[int], Cluster]) -> Cluster:
    return new_cluster(3)


@pytest.fixture(scope="module")
def installed() -> Path:
    return visible_to_nodes()


def on_node(cluster: Cluster, installed: Path, node: int, *words: str) -> Done:
    """A driver that runs on a node."""
    return cluster.lab.on(
        node, "env", f"PYTHONPATH={installed}", *NODE_PYTHON, *words, status=None)


def tags(cluster: Cluster) -> list[str]:
    return cluster.gnt("cluster", "list-tags").stdout.split()


def heads(cluster: Cluster) -> set[str]:
    return {cluster.lab.on(n, "cat", "/var/lib/gnt/config/head").stdout for n in (1, 2, 3)}


def test_an_isolated_old_master_accepts_no_write(healthy: Cluster, installed: Path) -> None:
    """Neither before nor after the others have another master, nor when it is back; and what was
    written meanwhile stays."""
    healthy.lab.cut(1)
    refused = on_node(healthy, installed, 1, "cluster", "add-tags", "red")
    assert refused.returncode == 24 and "node2" in refused.stderr
    healthy.gnt("cluster", "master-failover", "--to", "node2")
    healthy.gnt("cluster", "add-tags", "blue")
    refused = on_node(healthy, installed, 1, "cluster", "add-tags", "red")
    assert refused.returncode == 24
    assert tags(healthy) == ["blue"]


def test_a_write_on_the_old_master_after_the_partition_loses_nothing(
    healthy: Cluster, installed: Path,
) -> None:
    """Goes on where the test before ends: node1 was the master, and has heard of nothing."""
    healthy.lab.heal()
    assert healthy.lab.on(1, "cat", "/var/lib/gnt/term", status=None).stdout != "2\n"
    added = on_node(healthy, installed, 1, "cluster", "add-tags", "green")
    assert added.returncode == 0, added.stderr
    healthy.gnt("cluster", "add-tags", "white")
    assert tags(healthy) == ["blue", "green", "white"]
    assert healthy.gnt("cluster", "getmaster").stdout.strip() == "node2"
    assert on_node(healthy, installed, 1, "cluster", "getmaster").stdout.strip() == "node2"
    healthy.gnt("cluster", "redist-conf")
    assert len(heads(healthy)) == 1
    healthy.gnt("cluster", "config", "verify")


def test_a_flipped_value_is_refused_and_verify_names_it(healthy: Cluster) -> None:
    before = heads(healthy)
    journal = "/var/lib/gnt/config/journal-1.toml"
    healthy.lab.on(2, "sh", "-c", f"cp {journal} /root/kept; "
                   f"sed -i 's/\"blue\"/\"blur\"/' {journal}")
    assert healthy.gnt("cluster", "config", "verify", status=None).returncode == 22
    said = healthy.gnt("cluster", "verify", status=1).stdout
    assert "node2" in said and "its copy of the configuration" in said
    assert tags(healthy) == ["blue", "green", "white"]  # who has seen the true one believes that
    healthy.lab.on(2, "sh", "-c", f"cat /root/kept >{journal}")
    assert heads(healthy) == before
    healthy.gnt("cluster", "verify")


def test_a_full_disk_leaves_no_job_running(healthy: Cluster) -> None:
    healthy.lab.small_disk(2, "/var/lib/gnt", "300k")
    fill(healthy, 2, "/var/lib/gnt")
    refused = healthy.gnt(*ADD, "none", status=21)
    assert "is a disk of node2 full?" in refused.stderr
    states = [state for (state,) in healthy.listed("job", "status")]
    assert not {"running", "waiting", "stalled"} & set(states)
    healthy.lab.on(2, "rm", "/var/lib/gnt/fill")
    healthy.gnt(*ADD, "some")
    assert healthy.status("some") == ("node2", "running")


def test_a_killed_driver_leaves_nobody_hanging(healthy: Cluster) -> None:
    """Who asks for its job, waits for it or wants the same instance is told at once."""
    hook = "/etc/gnt/hooks/instance-add-pre.d"
    healthy.lab.on(2, "sh", "-c", f"mkdir -p {hook}; cat >{hook}/slow; chmod 755 {hook}/slow",
                   stdin="#!/bin/sh\n: >/root/begun\nsleep 40\n")
    driver = healthy.lab.start_command("gnt", *ADD, "late")
    while healthy.lab.on(2, "test", "-e", "/root/begun", status=None).returncode:
        assert driver.poll() is None
        time.sleep(0.1)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    (job,) = [str(job) for job, state in healthy.listed("job", "id,status")
              if state not in ("success", "error")]
    waited = healthy.lab.run("gnt", "job", "wait", job, status=None, timeout=30)
    assert waited.returncode != 0 and f"gnt-job resume {job}" in waited.stderr
    other = healthy.lab.run("gnt", "instance", "remove", "-f", "late", status=None, timeout=30)
    assert other.returncode == 20 and "its driver" in other.stderr, other.stderr
    healthy.lab.on(2, "rm", f"{hook}/slow")
    healthy.gnt("job", "resume", job)
    assert healthy.status("late") == ("node2", "running")
