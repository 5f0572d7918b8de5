"""Drivers killed at any moment of an instance's life on real QEMU: one command repairs."""

from __future__ import annotations

import random
import time

import pytest

from tests.story.conftest import BOOT_GUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.story.conftest import Cluster

ENDED = ("success", "error", "canceled")


def killed(cluster: Cluster, after: float, *words: str) -> None:
    process = cluster.lab.start_command("gnt", *words)
    time.sleep(after)
    process.kill()
    process.communicate()


def repaired(cluster: Cluster, verb: str) -> None:
    """One command for each job whose driver is gone; the other one past the point of no return."""
    for job, state in cluster.listed("job", "id,status"):
        done = None if state in ENDED else cluster.gnt("job", verb, str(job), status=None)
        if done and done.returncode:
            assert f"gnt-job resume {job}" in done.stderr, done.stderr
            cluster.gnt("job", "resume", str(job))
    assert [s for _, s in cluster.listed("job", "id,status") if s not in ENDED] == []


def gone(cluster: Cluster) -> None:
    """Every instance is removed, and then nothing of any is left; locks go with one command."""
    for (name,) in cluster.listed("instance", "name"):
        cluster.gnt("instance", "remove", "-f", name)
    for job, _ in cluster.listed("job", "id,status"):
        for node in (1, 2, 3):
            if cluster.lab.on(node, "test", "-e", f"/run/gnt/fence/{job}", status=None
                              ).returncode == 0:
                cluster.gnt("job", "resume", str(job), status=None)
    assert [cluster.traces(node) for node in (1, 2, 3)] == ["", "", ""]


@pytest.mark.parametrize("verb", ["resume", "undo"])
def test_killed_at_any_moment_of_its_life(cluster: Cluster, verb: str) -> None:
    chance = random.Random(verb)
    for number in range(2):
        name = f"{verb}{number}"
        add = ("instance", "add", "-n", "node1", *BOOT_GUEST, name)
        killed(cluster, chance.uniform(0.2, 1.5), *add)
        repaired(cluster, verb)
        gone(cluster)
        cluster.gnt(*add)
        killed(cluster, chance.uniform(0.2, 1.3), "instance", "migrate", "-f", "-n", "node2", name)
        repaired(cluster, verb)
        node, status = cluster.status(name)
        assert (node in ("node1", "node2"), status) == (True, "running")
        running = [cluster.lab.on(n, "pgrep", "-c", "qemu-system", status=None).stdout.strip()
                   for n in (1, 2, 3)]
        assert sorted(running) == ["0", "0", "1"], "it runs exactly once"
        killed(cluster, chance.uniform(0.2, 0.8), "instance", "remove", "-f", name)
        repaired(cluster, verb)
        gone(cluster)
    cluster.gnt("cluster", "verify")


def test_submitted_jobs_tell_their_ids_one_line_each(cluster: Cluster) -> None:
    for name in ("one", "two"):
        said = cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "--submit", name)
        assert said.stdout.startswith("JobID: ")
        cluster.gnt("job", "wait", said.stdout.split()[1])
    said = cluster.gnt("instance", "shutdown", "--all", "--force-multiple", "--submit")
    jobs = [line.removeprefix("JobID: ") for line in said.stdout.splitlines()]
    assert len(jobs) == 2
    bare = cluster.gnt("instance", "remove", "-f", "--submit", "--print-jobid", "one").stdout
    assert bare.strip().isdecimal()
    for job in (*jobs, bare.strip()):
        cluster.gnt("job", "wait", job)
    assert cluster.listed("instance", "name,status") == [["two", "ADMIN_down"]]
