"""Real drivers on real nodes: killed, interrupted, cancelled and waited for, over SSH.

A pre hook holds the job at its first step for as long as a file is there, so nothing is timed.
"""

from __future__ import annotations

import random
import signal
import time

import pytest

HOOK = """#!/bin/sh
[ -e /root/hold ] || exit 0
: >/root/held
while [ -e /root/hold ]; do sleep 0.05; done
echo "$GANETI_HOOKS_PATH $GANETI_HOOKS_PHASE $GANETI_CLUSTER" >>/root/hooked
"""
FOLDER = "/etc/gnt/hooks/instance-add-pre.d"


@pytest.fixture(scope="module")
def cluster(lab):
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "fake",
            "--enabled-disk-templates", "diskless", "demo")
    for node in ("node2", "node3"):
        lab.run("gnt-node", "add", "--yes", node)
    lab.on(1, "sh", "-c", f"mkdir -p {FOLDER} && cat >{FOLDER}/wait && chmod 755 {FOLDER}/wait",
           stdin=HOOK)
    return lab


def until_held(lab, process=None):
    """Return when the hook holds a job; fails when its driver ended before."""
    while lab.on(1, "test", "-e", "/root/held", status=None).returncode:
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.1)


class Held:
    """An ``instance add`` that stands in its pre hook, and the id of its job."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        lab.on(1, "sh", "-c", "rm -f /root/held /root/hooked; : >/root/hold")
        self.process = lab.start_command(
            "gnt-instance", "add", "-t", "diskless", "-n", "node1", name)
        until_held(lab, self.process)
        listed = lab.run("gnt-job", "list", "--no-headers", "-o", "id,status").stdout.split("\n")
        (self.job,) = [line.split()[0] for line in listed if "running" in line]

    def release(self):
        self.lab.on(1, "rm", "-f", "/root/hold")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def status(lab, job):
    lines = lab.run("gnt-job", "list", "--no-headers", "-o", "id,status").stdout.split("\n")
    return dict(line.split() for line in lines if line).get(job)


def names(lab):
    return lab.run("gnt-instance", "list", "--no-headers", "-o", "name").stdout.split()


def leftovers(lab):
    """Jobs, locks and fences, taps and guests of instances that are not there."""
    pending = [line for line in lab.run(
        "gnt-job", "list", "--no-headers", "-o", "status").stdout.split() if line in (
        "running", "waiting", "settling", "undoing", "stalled")]
    # the file of a driver that was killed before its first commit, or after its last, holds
    # nothing: the next job gets that id, or sweeps it away
    locks = lab.on(
        1, "sh", "-c", "for f in $(ls /run/gnt/jobs | grep -v '[.]'); do "
        "flock -n /run/gnt/jobs/$f true || echo $f; done").stdout.split()
    guests = lab.on(1, "sh", "-c", "ls /run/gnt/fake 2>/dev/null || :").stdout.split()
    return pending, locks, [g for g in guests if not any(g.startswith(n) for n in names(lab))]


@pytest.mark.parametrize("verb", ["resume", "undo"])
def test_a_killed_driver_is_repaired_when_its_orphan_has_ended(cluster, verb):
    held = Held(cluster, f"killed-{verb}")
    held.kill()
    fixing = cluster.start_command("gnt-job", verb, held.job)
    busy = cluster.run("gnt-instance", "startup", "--no-wait", held.name, status=None)
    assert fixing.poll() is None  # it waits for the hook, which outlived its driver
    assert busy.returncode == 20
    held.release()
    said = fixing.communicate(timeout=60)
    assert fixing.returncode == 0, said
    assert (held.name in names(cluster)) is (verb == "resume")
    assert leftovers(cluster)[:2] == ([], [])


def test_ctrl_c_once_stops_after_the_step_and_says_how_to_go_on(cluster):
    held = Held(cluster, "interrupted")
    held.process.send_signal(signal.SIGINT)
    held.release()
    _, said = held.process.communicate(timeout=60)
    assert held.process.returncode == 130
    assert f"gnt-job resume {held.job}, or gnt-job undo {held.job}" in said
    cluster.run("gnt-job", "undo", held.job)
    assert "interrupted" not in names(cluster)


def test_ctrl_c_twice_leaves_at_once(cluster):
    held = Held(cluster, "twice")
    held.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    held.process.send_signal(signal.SIGINT)
    held.process.communicate(timeout=60)
    assert held.process.returncode not in (0, None)
    held.release()
    cluster.run("gnt-job", "resume", held.job)
    assert "twice" in names(cluster)


def test_a_cancelled_job_is_undone_by_its_own_driver(cluster):
    held = Held(cluster, "cancelled")
    cluster.run("gnt-job", "cancel", held.job)
    held.release()
    _, said = held.process.communicate(timeout=60)
    assert held.process.returncode == 1 and "cancelled" in said
    assert "cancelled" not in names(cluster)
    assert cluster.run("gnt-job", "wait", held.job, status=1).returncode == 1


def test_jobs_wait_for_each_other_or_are_busy(cluster):
    held = Held(cluster, "waited")
    busy = cluster.run("gnt-instance", "shutdown", "--no-wait", "waited", status=None)
    assert busy.returncode == 20 and f"job {held.job}" in busy.stderr
    waits = cluster.start_command("gnt-instance", "shutdown", "waited")
    follows = cluster.start_command("gnt-job", "watch", held.job)
    held.release()
    assert held.process.wait(60) == 0
    said = waits.communicate(timeout=60)
    assert waits.returncode == 0, said
    out = follows.communicate(timeout=60)
    assert follows.returncode == 0 and "success" in out[1]
    assert leftovers(cluster)[:2] == ([], [])


def test_hooks_get_the_documented_environment(cluster):
    held = Held(cluster, "hooked")
    held.release()
    held.process.communicate(timeout=60)
    assert cluster.on(1, "cat", "/root/hooked").stdout == "instance-add pre demo\n"


def test_submitted_jobs_outlive_the_command_and_a_killed_runner_loses_none(cluster):
    cluster.on(1, "sh", "-c", "rm -f /root/held; : >/root/hold")
    job = cluster.run("gnt-instance", "add", "-t", "diskless", "-n", "node1", "--submit",
                      "submitted").stdout.removeprefix("JobID: ").strip()
    until_held(cluster)
    driver = cluster.run("gnt-job", "info", job).stdout
    pid = int(driver.split("driver: ")[1].split()[1])
    cluster.run("kill", "-9", str(pid))
    cluster.on(1, "rm", "-f", "/root/hold")
    cluster.run("gnt-job", "resume", job)
    assert "submitted" in names(cluster)
    again = cluster.run("gnt-instance", "add", "-t", "diskless", "--submit", "--print-jobid",
                        "after").stdout
    cluster.run("gnt-job", "wait", again.strip())
    assert "after" in names(cluster)


@pytest.mark.slow
def test_killed_at_any_moment_one_command_repairs(cluster):
    chance = random.Random(3)
    for number in range(12):
        name = f"any{number}"
        process = cluster.start_command("gnt-instance", "add", "-t", "diskless", name)
        time.sleep(chance.uniform(0.15, 0.9))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        listed = cluster.run("gnt-job", "list", "--no-headers", "-o", "id,status").stdout
        pending = [line.split()[0] for line in listed.split("\n") if line.split()[1:] in (
            ["running"], ["waiting"], ["settling"], ["undoing"], ["stalled"])]
        for job in pending:
            cluster.run("gnt-job", "resume" if number % 2 else "undo", job)
            assert (name in names(cluster)) is bool(number % 2)
        assert status(cluster, pending[0] if pending else "0") in (None, "success", "error")
    assert leftovers(cluster)[:2] == ([], [])
    taps = sum(int(cluster.on(node, "sh", "-c", "ip -o link | grep -c 'gnt[0-9a-f]*:' || :").stdout)
               for node in (1, 2, 3))
    running = [line for line in cluster.run(
        "gnt-instance", "list", "--no-headers", "-o", "name,status").stdout.split("\n")
        if line.endswith("running")]
    assert taps == len(running)
