"""Drivers killed at shares of what each operation takes, and their repair too: nothing is left.

``GNT_KILLS`` sets how often each operation is killed, ``GNT_SEED`` the moments.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from subprocess import TimeoutExpired

import pytest

from tests.story.conftest import BOOT_GUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.story.conftest import Cluster

KILLS = int(os.environ.get("GNT_KILLS", "2"))
SEED = int(os.environ.get("GNT_SEED", "1"))
NAME = "web"
PENDING = ("running", "waiting", "settling", "undoing", "stalled")


def moments(operation: str) -> Iterator[float]:
    """Shares of an operation's time, one in each of as many parts: early, in between, late."""
    chance = random.Random(f"{SEED} {operation}")
    for part in range(KILLS):
        yield (part + chance.random()) / KILLS


def pending(cluster: Cluster) -> list[str]:
    return [str(job) for job, status in cluster.listed("job", "id,status") if status in PENDING]


def names(cluster: Cluster) -> list[str]:
    return [row[0] for row in cluster.listed("instance", "name")]


def guests(cluster: Cluster) -> dict[int, int]:
    """How many guests run, by node: a QEMU that starts is two processes for a moment."""
    found = {host.number: int(cluster.lab.on(
        host.number, "sh", "-c", "pgrep -fa '[q]emu-system.* -uuid ' | sed 's/.* -uuid //; s/ .*//'"
        " | sort -u | wc -l").stdout)
        for host in cluster.lab.hosts}  # fmt: skip
    return {number: count for number, count in found.items() if count}


def kill(cluster: Cluster, after: float, *words: str, operation: str) -> bool:
    """Run ``gnt …`` and kill it; whether it was still there to be killed.

    Only while a guest migrates has it two QEMUs, of which one waits.
    """
    process = cluster.lab.start_command("gnt", *words)
    with suppress(TimeoutExpired):
        process.wait(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    most = 2 if operation == "migrate" else 1
    assert len(guests(cluster)) <= most
    patience = time.monotonic() + 20
    while sum(guests(cluster).values()) > most:  # a parent that stays until its QEMU is ready
        assert time.monotonic() < patience
        time.sleep(0.2)
    return process.returncode == -signal.SIGKILL


def repair(cluster: Cluster, verb: str, chance: random.Random, operation: str) -> None:
    """One command for each pending job; every third of these is killed, too, and typed again."""
    for job in pending(cluster):
        if chance.randrange(3) == 0:
            kill(cluster, chance.uniform(0.2, 1.2), "job", verb, job, operation=operation)
        if job in pending(cluster):
            done = cluster.gnt("job", verb, job, status=None)
            settling = "point of no return" in done.stderr or "cannot be undone" in done.stderr
            if done.returncode and verb == "undo" and settling:
                done = cluster.gnt("job", "resume", job, status=None)
            assert done.returncode == 0, done.stderr
    assert pending(cluster) == []


def bare(cluster: Cluster, node: int) -> str:
    """What a guest adds to a node besides its traces: listening ports, addresses, cgroups, sockets
    of QEMU and of ssh."""
    return cluster.lab.on(
        node, "sh", "-c",
        "ss -H -ltun | awk '{print $1, $5}' | sort -u;"
        "ip -o address show scope global | awk '{print $2, $4}';"
        "find /sys/fs/cgroup -iname '*gnt*' -o -iname '*qemu*' | grep -v gnt-bench;"
        "find /run /tmp /var/lib/gnt /root/.ssh -type s 2>/dev/null | grep -v -e /sshd -e /systemd;"
        "true").stdout


def on_admin(cluster: Cluster) -> str:
    """Sockets and connections that drivers left on the admin's host."""
    return cluster.lab.run(
        "sh", "-c", "find /root -type s ! -name runner.socket; pgrep -fa '[s]sh .*@node'; true"
    ).stdout


def nothing_is_left(cluster: Cluster, empty: dict[int, str]) -> None:
    """What is on the nodes is what the configuration says, and nothing else.

    ``empty``: what each node has when there are no guests.
    """
    there = names(cluster)
    home = 0
    if there:
        node, status = cluster.status(NAME)
        assert status in ("running", "ADMIN_down")
        if status == "running":
            home = next(host.number for host in cluster.lab.hosts if host.name.startswith(node))
    assert guests(cluster) == ({home: 1} if home else {})
    for host in cluster.lab.hosts:
        left = cluster.traces(host.number)
        assert "fence" not in left
        if host.number != home:
            own = [line for line in left.splitlines() if not line.startswith("/srv/")]
            assert [line for line in own if line.startswith("gnt") or "qemu" in line] == []
            assert there or left == ""
            assert bare(cluster, host.number) == empty[host.number]
    jobs = cluster.lab.on(1, "sh", "-c", "read -r _ head _ </var/lib/gnt/config/head; "
                          "for f in $(ls /run/gnt/jobs | grep -v '[.]'); do "
                          "[ $f -gt $head ] || echo $f; done").stdout
    assert jobs == ""
    for host in cluster.lab.hosts:
        assert cluster.lab.on(host.number, "sh", "-c", "ls -A /run/gnt/fence 2>/dev/null; true"
                              ).stdout == ""
    assert on_admin(cluster) == ""


ADD = ("instance", "add", *BOOT_GUEST, "-n", "node1", NAME)


def settle_down(cluster: Cluster, wanted: str) -> None:
    """The instance is not there, is down, or runs."""
    there = NAME in names(cluster)
    if wanted == "absent":
        if there:
            cluster.gnt("instance", "remove", "--yes", NAME)
        return
    if not there:
        cluster.gnt(*ADD)
    status = cluster.status(NAME)[1]
    if wanted == "down" and status == "running":
        cluster.gnt("instance", "shutdown", "--timeout", "1", NAME)
    if wanted == "up" and status != "running":
        cluster.gnt("instance", "startup", NAME)


OPERATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "add": ("absent", ADD),
    "shutdown": ("up", ("instance", "shutdown", "--timeout", "1", NAME)),
    "startup": ("down", ("instance", "startup", NAME)),
    "reboot": ("up", ("instance", "reboot", "-t", "hard", NAME)),
    "modify": ("down", ("instance", "modify", "--disk", "-1:add,size=1g", NAME)),
    "migrate": ("up", ("instance", "migrate", "--yes", NAME)),
    "failover": ("up", ("instance", "failover", "--yes", NAME)),
    "remove": ("up", ("instance", "remove", "--yes", NAME)),
}  # (how the instance must be, the command)


@pytest.fixture(scope="module")
def killed(new_cluster: Callable[[int], Cluster]) -> Cluster:
    return new_cluster(3)


@pytest.fixture(scope="module")
def empty(killed: Cluster) -> dict[int, str]:
    return {host.number: bare(killed, host.number) for host in killed.lab.hosts}


LISTEN = ("import socket, time; s = socket.socket(); s.bind(('', 5999)); s.listen(); "
          "print(flush=True); time.sleep(99)")
SOCKET = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('{path}')\""
ORPHANS = {  # (how one comes about on a node, how it ends)
    "volume": ("mkdir -p /srv/gnt/file-storage/dead && : >/srv/gnt/file-storage/dead/d.raw",
               "rm -r /srv/gnt/file-storage/dead"),
    "tap": ("ip tuntap add gntdead mode tap", "ip tuntap del gntdead mode tap"),
    "process": ("cp /bin/sh /tmp/qemu-system-dead; /tmp/qemu-system-dead -c 'sleep 99; :' -uuid x "
                ">/dev/null 2>&1 & echo $! >/tmp/pid; sleep 0.3",
                "kill $(cat /tmp/pid); rm /tmp/pid /tmp/qemu-system-dead"),
    "port": (f'python3 -c "{LISTEN}" >/tmp/listens 2>&1 & echo $! >/tmp/pid; '
             "until [ -s /tmp/listens ]; do sleep 0.1; done",
             "kill $(cat /tmp/pid); rm /tmp/pid /tmp/listens"),
    "address": ("ip address add 203.0.113.9/32 dev lo", "ip address del 203.0.113.9/32 dev lo"),
    "cgroup": ("mkdir /sys/fs/cgroup/gnt-dead", "rmdir /sys/fs/cgroup/gnt-dead"),
    "fence": ("mkdir -p /run/gnt/fence && : >/run/gnt/fence/1", "rm /run/gnt/fence/1"),
    "job": ("mkdir -p /run/gnt/jobs && : >/run/gnt/jobs/1", "rm /run/gnt/jobs/1"),
    "socket": (SOCKET.format(path="/run/gnt/dead"), "rm /run/gnt/dead"),
    "ssh socket": (SOCKET.format(path="/root/.ssh/dead"), "rm /root/.ssh/dead"),
}


def test_an_orphan_of_each_kind_is_counted(killed: Cluster, empty: dict[int, str]) -> None:
    nothing_is_left(killed, empty)
    for comes, goes in ORPHANS.values():
        killed.lab.on(1, "sh", "-c", comes)
        with pytest.raises(AssertionError):
            nothing_is_left(killed, empty)
        killed.lab.on(1, "sh", "-c", goes)
    killed.lab.run("sh", "-c", SOCKET.format(path="/root/.ssh/control"))
    with pytest.raises(AssertionError):
        nothing_is_left(killed, empty)
    killed.lab.run("rm", "/root/.ssh/control")
    nothing_is_left(killed, empty)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_any_moment_one_command_repairs(
    killed: Cluster, empty: dict[int, str], operation: str,
) -> None:
    before, words = OPERATIONS[operation]
    chance = random.Random(f"{SEED} repair {operation}")
    settle_down(killed, before)
    started = time.monotonic()
    killed.gnt(*words)
    took = time.monotonic() - started
    nothing_is_left(killed, empty)
    verbs = ["resume", "undo"]
    for share in moments(operation):
        settle_down(killed, before)
        kill(killed, share * took, *words, operation=operation)
        verb = verbs[0]
        verbs.reverse()
        repair(killed, verb, chance, operation)
        nothing_is_left(killed, empty)
    killed.gnt("cluster", "verify")
