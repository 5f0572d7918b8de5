"""The runner of submitted jobs is killed while it works on several: what it said holds."""

from __future__ import annotations

import re
import sys
import time
from subprocess import PIPE

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.story.conftest import Cluster

NUMBER = 8
LINE = """for n in $(seq {number}); do
    gnt-instance add -t diskless -H fake --ignore-ipolicy --submit {tag}$n 2>&1 &
done
wait
"""


def runner(cluster: Cluster) -> str:
    """The process id of the runner on this lab's admin's host; empty while there is none."""
    return cluster.lab.run("sh", "-c", "for p in /proc/[0-9]*; do "
                           "[ $p/ns/mnt -ef /proc/self/ns/mnt ] || continue; "
                           "case $(readlink $p/fd/1 2>/dev/null) in "
                           "*/runner.log) echo ${p#/proc/} ;; esac; done").stdout.strip()


def pending(cluster: Cluster) -> list[str]:
    rows = cluster.listed("job", "id,status")
    return [str(job) for job, status in rows if status not in ("success", "error", "canceled")]


def taps(cluster: Cluster) -> int:
    return sum(line.startswith("gnt") for host in cluster.lab.hosts
               for line in cluster.traces(host.number).splitlines())


@pytest.mark.parametrize(("tag", "recorded"), [("early", 1), ("late", 5)])
def test_what_a_killed_runner_leaves_is_repaired_job_by_job(
    cluster: Cluster, tag: str, recorded: int,
) -> None:
    """Killed when so many jobs are recorded, which may be in the middle of a group."""
    before = cluster.lab.path(1, "/var/lib/gnt/config")
    journal = max(before.glob("journal-*.toml"), key=lambda file: file.stat().st_mtime)
    known = journal.read_text().count(f'"{tag}')
    shell = cluster.lab.start_command("sh", "-c", LINE.format(number=NUMBER, tag=tag))
    until = time.monotonic() + 60
    while journal.read_text().count(f'name = "{tag}') - known < recorded:
        assert time.monotonic() < until
        assert shell.poll() is None
        time.sleep(0.01)
    cluster.lab.run("kill", "-9", runner(cluster))
    said, _ = shell.communicate(timeout=60)

    acknowledged = set(re.findall(r"JobID: (\d+)", said))
    listed = {str(job) for job, in cluster.listed("job", "id")}
    assert acknowledged <= listed  # as a pending job, or as one that has ended
    for number, job in enumerate(pending(cluster)):
        verbs = ("resume", "undo") if number % 2 else ("undo", "resume")
        done = cluster.gnt("job", verbs[0], job, status=None)
        if done.returncode:  # past its point of no return, say
            cluster.gnt("job", verbs[1], job)
    assert pending(cluster) == []
    there = [name for (name,) in cluster.listed("instance", "name") if name.startswith(tag)]
    assert taps(cluster) == len(cluster.listed("instance", "name"))
    cluster.gnt("cluster", "verify")
    again = cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "--ignore-ipolicy",
                        "--submit", f"{tag}-again").stdout
    assert cluster.gnt("job", "wait", re.findall(r"\d+", again)[0]).returncode == 0
    for name in [*there, f"{tag}-again"]:
        cluster.gnt("instance", "remove", "--yes", name)


def test_a_command_that_reads_first_starts_a_runner_that_can(cluster: Cluster) -> None:
    """An allocator is asked before there is a job, with the admin's copy of the state open."""
    if left := runner(cluster):
        cluster.lab.run("kill", "-9", left)
    said = cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "--ignore-ipolicy",
                       "-I", "hail", "--submit", "first").stdout
    cluster.gnt("job", "wait", re.findall(r"\d+", said)[0])
    assert any(name.startswith("first") for (name,) in cluster.listed("instance", "name"))
    cluster.gnt("instance", "remove", "--yes", "first")


# A program of somebody's own, with the copy of the state open while its runner is killed.
PROGRAM = """
import os, sys, time
from gnt.commands.cluster.add_tags import ClusterAddTags
from gnt.engine.quiet import Quiet
from gnt.session import Session
from gnt.spec import Settings

session = Session(Settings(), Quiet())
for number in range(3):
    session.config()
    (job,) = session.submit(ClusterAddTags(words=(f"again{number}",)))
    print(job, session.jobs.wait(job), flush=True)
    sys.stdin.readline()
os._exit(0)
"""


def test_a_runner_that_was_killed_is_started_anew_by_who_has_the_state_open(
    cluster: Cluster,
) -> None:
    """A fork would share the locks of what is open, which SQLite does not forgive."""
    program = cluster.lab.start_command(sys.executable, "-c", PROGRAM, stdin=PIPE)
    assert program.stdin is not None and program.stdout is not None
    for _ in range(3):
        said = program.stdout.readline()
        assert re.fullmatch(r"\d+ 0\n", said), said
        cluster.lab.run("kill", "-9", runner(cluster))
        program.stdin.write("go on\n")
        program.stdin.flush()
    assert program.wait(30) == 0
    tags = cluster.gnt("cluster", "list-tags").stdout.split()
    assert {"again0", "again1", "again2"} <= set(tags)
