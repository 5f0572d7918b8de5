"""Jobs as people use them: held still by a hook, looked at, waited for, moved, and taken back."""

from __future__ import annotations

import json
import os
import re
import termios
import time

import pytest

from gnt.cli.progress import ERASE
from gnt.lab import admin
from tests.story.conftest import BOOT_GUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.story.conftest import Cluster

FAKE = ("-t", "diskless", "-H", "fake", "-n", "node1")
HOOK = """#!/bin/sh
[ ! -e "/run/fail-$GANETI_INSTANCE_NAME" ] || { echo "not today"; exit 1; }
while [ -e "/run/hold-$GANETI_INSTANCE_NAME" ]; do sleep 0.05; done
"""
DEADLINE = 120.0
ENDED = ("success", "error", "canceled")


@pytest.fixture(scope="module")
def hooked(cluster: Cluster) -> Cluster:
    """Jobs on an instance stand still at their first step while the master has a file."""
    for name in ("instance-add", "instance-reboot"):
        cluster.lab.on(1, "sh", "-c", 'mkdir -p "$1" && cat >"$1/hold" && chmod +x "$1/hold"',
                       "sh", f"/etc/gnt/hooks/{name}-pre.d", stdin=HOOK)
    return cluster


class Held:
    """A job on the new instance ``name`` that runs and does not get on."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.flag("hold")
        self.id = cluster.gnt("instance", "add", *FAKE, "--submit", "--print-jobid",
                              "--reason", f"to show {name}", name).stdout.strip()
        until(cluster, self.id, "running")

    def flag(self, what: str, *, up: bool = True) -> None:
        self.cluster.lab.on(1, *(("touch",) if up else ("rm", "-f")), f"/run/{what}-{self.name}")

    def let_go(self) -> None:
        self.flag("hold", up=False)


def status(cluster: Cluster, job: str) -> str:
    return str(cluster.listed("job", "status", job)[0][0])


def until(cluster: Cluster, job: str, wanted: str) -> None:
    latest = time.monotonic() + DEADLINE
    while (found := status(cluster, job)) != wanted:
        assert found not in ENDED and time.monotonic() < latest, f"job {job}: {found}, not {wanted}"


@pytest.fixture
def held(hooked: Cluster, request: pytest.FixtureRequest) -> Iterator[Held]:
    name = request.node.name.replace("_", "-")[-20:].strip("-")
    made = Held(hooked, name)
    yield made
    made.let_go()
    hooked.gnt("job", "wait", made.id, status=None)


def submit(cluster: Cluster, *words: str) -> str:
    said = cluster.gnt(*words, "--submit").stdout
    assert said.startswith("JobID: ")
    return said.split()[1]


def test_a_job_is_looked_at_while_it_runs(held: Held) -> None:
    cluster, job = held.cluster, held.id
    rows = cluster.listed("job", "id,status,summary", job)
    assert rows == [[int(job), "running", [f"INSTANCE_CREATE({held.name})"]]]
    assert f"INSTANCE_CREATE({held.name})" in cluster.gnt("job", "list", "--running").stdout
    info = cluster.gnt("job", "info", job).stdout
    for said in (f"instance {held.name}", "lives", f"to show {held.name}", "hypervisor.fake.put"):
        assert said in info
    watching = cluster.lab.start_command("gnt", "job", "watch", job)
    waiting = cluster.lab.start_command("gnt", "job", "wait", job)
    held.let_go()
    out, err = watching.communicate(timeout=DEADLINE)
    assert watching.returncode == 0
    assert "do node1: hypervisor.fake.put" in out + err and "success" in out + err
    assert waiting.wait(DEADLINE) == 0
    waiting.communicate()
    ended = cluster.gnt("job", "info", job).stdout
    assert "success" in ended and f"to show {held.name}" in ended and held.name in ended
    (row,) = cluster.listed("job", "status,summary", job)
    assert row == ["success", [f"INSTANCE_CREATE({held.name})"]]
    newest = cluster.gnt("cluster", "config", "log", "-n", "1", "--format", "json").stdout
    assert f"to show {held.name}" in newest


def test_jobs_wait_in_the_order_of_their_priority(held: Held) -> None:
    cluster = held.cluster
    refused = cluster.gnt("instance", "reboot", "--no-wait", held.name, status=20)
    assert f"job {held.id}" in refused.stderr
    reboot = ("instance", "reboot", held.name)
    late, usual, moved, gone = (submit(cluster, *reboot, "--priority", priority)
                                for priority in ("low", "normal", "low", "normal"))
    first = submit(cluster, *reboot, "--priority", "high")
    for job in (late, usual, moved, gone, first):
        until(cluster, job, "waiting")
    assert len(cluster.listed("job", "id", "--pending")) == 6
    cluster.gnt("job", "change-priority", "--priority", "high", moved)
    assert f"{gone}" in cluster.gnt("job", "cancel", gone).stderr
    assert status(cluster, gone) == "canceled"
    held.let_go()
    jobs = (first, moved, usual, late)
    for job in jobs:
        cluster.gnt("job", "wait", job)
    began = {str(job): when for job, when in cluster.listed("job", "id,start_ts", *jobs)}
    assert sorted(jobs, key=began.__getitem__) in (
        [first, moved, usual, late], [moved, first, usual, late])
    assert cluster.gnt("job", "wait", gone, status=1)


def test_a_running_job_is_cancelled_and_taken_back(held: Held) -> None:
    cluster = held.cluster
    cluster.gnt("job", "cancel", held.id)
    held.let_go()
    assert cluster.gnt("job", "wait", held.id, status=1)
    assert status(cluster, held.id) == "canceled"
    cluster.gnt("instance", "info", held.name, status=1)


def test_a_job_that_fails_says_so_everywhere(hooked: Cluster) -> None:
    hooked.lab.on(1, "touch", "/run/fail-bad")
    job = hooked.gnt("instance", "add", *FAKE, "--print-jobid", "bad", status=1)
    failed = job.stdout.split()[0]
    assert failed.isdecimal()
    assert "not today" in job.stderr
    assert hooked.gnt("job", "wait", failed, status=1)
    assert hooked.gnt("job", "watch", failed, status=1)
    assert [int(failed)] in hooked.listed("job", "id", "--error")
    dependent = hooked.gnt("instance", "add", *FAKE, "--submit", "--depends", f"{failed}:success",
                           "never", status=1)
    assert f"it depends on job {failed} ending with success" in dependent.stderr
    hooked.gnt("instance", "info", "never", status=1)


@pytest.mark.parametrize("verb", ["resume", "undo"])
def test_a_job_whose_driver_was_killed(hooked: Cluster, verb: str) -> None:
    name = f"lost-{verb}"
    hooked.lab.on(1, "touch", f"/run/hold-{name}")
    driver = hooked.lab.start_command("gnt", "instance", "add", *FAKE, name)
    latest = time.monotonic() + DEADLINE
    while not (running := hooked.listed("job", "id", "--running")):
        assert time.monotonic() < latest
    job = str(running[0][0])
    driver.kill()
    driver.communicate()
    until(hooked, job, "stalled")
    waited = hooked.gnt("job", "wait", job, status=20)
    assert f"gnt-job resume {job}" in waited.stderr
    hooked.lab.on(1, "rm", f"/run/hold-{name}")
    hooked.gnt("job", verb, job)
    assert (status(hooked, job) == "success") == (verb == "resume")
    hooked.gnt("instance", "info", name, status=0 if verb == "resume" else 1)
    assert hooked.gnt("job", verb, "999999", status=1)


def test_what_would_be_done_is_shown_kept_and_done_later(hooked: Cluster) -> None:
    add = ("instance", "add", *FAKE, "planned")
    before = hooked.gnt("cluster", "config", "log", "--format", "json").stdout
    shown = hooked.gnt(*add, "--dry-run").stdout
    kept = hooked.gnt(*add, "--plan-out", "/root/planned.plan", "--reason", "by plan").stdout
    assert shown == kept and "hypervisor.fake.put" in shown
    assert hooked.gnt("cluster", "config", "log", "--format", "json").stdout == before
    hooked.gnt("apply", "/root/planned.plan")
    assert hooked.status("planned") == ("node1", "running")
    again = hooked.gnt("apply", "/root/planned.plan", status=None)
    assert again.returncode and "planned" in again.stderr
    hooked.gnt("instance", "remove", "-f", "planned", "--plan-out", "/root/away.plan")
    hooked.gnt("instance", "shutdown", "planned")
    hooked.gnt("instance", "modify", "--net", "-1:add", "planned")
    moved = hooked.gnt("apply", "/root/away.plan", status=1)
    assert "net.bridged.unplug" in moved.stderr  # the difference
    assert hooked.status("planned") == ("node1", "ADMIN_down")


def test_ended_jobs_are_put_away(hooked: Cluster) -> None:
    one = hooked.gnt("instance", "add", *FAKE, "--print-jobid", "away").stdout.split()[0]
    hooked.gnt("job", "archive", one)
    listed = {job for (job,) in hooked.listed("job", "id")}
    assert int(one) not in listed and listed
    assert int(one) in {job for (job,) in hooked.listed("job", "id", "--archived")}
    hooked.gnt("job", "autoarchive", "1d")
    assert {job for (job,) in hooked.listed("job", "id")} == listed
    hooked.gnt("job", "autoarchive", "all")
    assert hooked.listed("job", "id") == []
    fields = json.loads(hooked.gnt("job", "list-fields", "--format", "json").stdout)
    assert {"id", "status", "summary"} <= {next(iter(row.values())) for row in fields}


def test_submitted_jobs_tell_their_ids_one_line_each(hooked: Cluster) -> None:
    for name in ("one", "two"):
        hooked.gnt("job", "wait", submit(hooked, "instance", "add", *FAKE, name))
    said = hooked.gnt("instance", "shutdown", "--force-multiple", "--submit", "one", "two")
    jobs = [line.removeprefix("JobID: ") for line in said.stdout.splitlines()]
    assert len(jobs) == 2
    bare = hooked.gnt("instance", "remove", "-f", "--submit", "--print-jobid", "one").stdout
    assert bare.strip().isdecimal()
    for job in (*jobs, bare.strip()):
        hooked.gnt("job", "wait", job)
    assert hooked.listed("instance", "name,status", "two") == [["two", "ADMIN_down"]]


def on_terminal(cluster: Cluster, *words: str) -> str:
    """What a command shows on a terminal of its own; it must succeed."""
    drawing = cluster.lab._environment({"TERM": "xterm"})
    line = admin.entered(cluster.lab.layout, [*drawing, "gnt", *words])
    pid, terminal = os.forkpty()
    if pid == 0:
        termios.tcsetwinsize(0, (24, 160))
        os.execvp(line[0], line)
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown.decode()
    return shown.decode()


def test_progress_is_live_on_a_terminal_and_plain_in_a_pipe(cluster: Cluster) -> None:
    add = ("instance", "add", "-n", "node1", *BOOT_GUEST)
    live = on_terminal(cluster, *add, "live")
    assert ERASE in live
    assert re.search(r"\[\d/\d\] write \S+/boot\.raw to the disk \(1\.0G\) \[[#.]{20}\]", live)
    assert "success" in live
    plain = cluster.gnt(*add, "plain").stderr
    assert "\x1b" not in plain and "\r" not in plain
    assert "[1/" in plain and "success" in plain
    cluster.gnt("instance", "remove", "-f", "live")
    cluster.gnt("instance", "remove", "-f", "plain")
