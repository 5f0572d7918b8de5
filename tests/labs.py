"""A lab as tests use it: hosts to run commands on, and the accidents that can happen to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from gnt.lab import admin, network, power
from gnt.lab.layout import Host, Layout, labs

Done = subprocess.CompletedProcess[str]


class Lab:
    """Node arguments are ``1`` for node1; results of commands are CompletedProcess with text."""

    def __init__(self, layout: Layout, count: int) -> None:
        self.layout = layout
        self.hosts = tuple(Host(number=n) for n in range(1, count + 1))
        self.names = tuple(host.name for host in self.hosts)  # node1.lab, …

    def address(self, node: int) -> str:
        return Host(number=node).address

    def pid(self, short: str) -> int:
        """The process that a host (``node1``, ``admin``, ``hub``) hangs on."""
        return power.running(self.layout)[short]

    def path(self, node: int, inside: str) -> Path:
        """A file of a running node, seen from here."""
        return Path(f"/proc/{self.pid(f'node{node}')}/root{inside}")

    def run(
        self, *words: str, status: int | None = 0, stdin: str = "", timeout: float = 120,
        env: dict[str, str] | None = None,
    ) -> Done:
        """Run a command on the admin's host; gnt commands are found.  ``status``: None for any."""
        line = admin.entered(self.layout, self._environment(env) + list(words))
        done = subprocess.run(
            line, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        return _expect(done, words, status)

    def start_command(
        self, *words: str, env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        """Start a command on the admin's host; the pid is its own, so it can be killed."""
        line = admin.entered(self.layout, self._environment(env) + list(words))
        return subprocess.Popen(
            line, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True)

    def on(self, node: int, *words: str, status: int | None = 0, stdin: str = "") -> Done:
        """Run a command on a node, not over SSH: works while its network is cut."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        line = ["nsenter", f"--target={self.pid(f'node{node}')}", "--all", "--root", "--",
                "env", "-i", f"PATH={path}", "HOME=/root", "LANG=C.UTF-8", *words]
        done = subprocess.run(
            line, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        return _expect(done, words, status)

    def ssh(self, node: int, command: str, *, status: int | None = 0, timeout: float = 60) -> Done:
        """Run a shell command on a node over SSH, as the admin."""
        words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
                 f"root@{self.address(node)}", command]
        return self.run(*words, status=status, timeout=timeout)

    def kill(self, node: int) -> None:
        power.kill(self.layout, Host(number=node))

    def start(self, node: int) -> None:
        power.start(self.layout, Host(number=node))

    def hang(self, node: int) -> None:
        power.hang(self.layout, Host(number=node))

    def thaw(self, node: int) -> None:
        power.thaw(self.layout, Host(number=node))

    def cut(self, node: int, *others: int, one_way: bool = False) -> None:
        """Cut node from others (0 is the admin's host; none: from everybody)."""
        network.cut(self.layout, Host(number=node), [Host(number=n) for n in others],
                    one_way=one_way)

    def heal(self) -> None:
        network.heal(self.layout)

    def small_disk(self, node: int, folder: str, size: str) -> None:
        """Let a folder of a node hold only ``size`` (``64k``, ``1m``) more, until its reboot.

        What is there is kept.
        """
        self.on(node, "sh", "-c", 'set -e; d=$1; mkdir -p "$d"; used=$(du -sk "$d" | cut -f1);'
                ' case $2 in *m) more=$((${2%m} * 1024)) ;; *k) more=${2%k} ;; esac;'
                ' mount -t tmpfs -o "mode=755,size=$((used + more + 8))k" small /mnt;'
                ' cp -a "$d/." /mnt/; mount --move /mnt "$d"', "sh", folder, size)

    def down(self) -> None:
        power.down(self.layout)

    @staticmethod
    def _environment(env: dict[str, str] | None) -> list[str]:
        path = f"{sys.prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["env", f"PATH={path}", *(f"{k}={v}" for k, v in (env or {}).items())]


def _expect(done: Done, words: tuple[str, ...], status: int | None) -> Done:
    said = f"{done.stdout}\n{done.stderr}"
    assert status is None or done.returncode == status, (
        f"{' '.join(words)} ended with {done.returncode}, not {status}\n{said}")
    return done


def make(purpose: str, count: int) -> Lab:
    """A new lab that no other test run has."""
    layout = Layout(name=f"test-{os.getpid()}-{purpose}"[:32])
    power.down(layout)
    power.up(layout, count, lambda message: None)
    return Lab(layout, count)


def sweep() -> None:
    """Remove the labs of test runs that were killed."""
    for name in labs():
        words = name.split("-")
        if words[0] == "test" and len(words) > 1 and not os.path.exists(f"/proc/{words[1]}"):
            power.down(Layout(name=name))
    for folder in Path("/var/tmp").glob("gnt-machines-*"):  # the disks of virtual nodes
        if not os.path.exists(f"/proc/{folder.name.split('-')[2]}"):
            shutil.rmtree(folder, ignore_errors=True)
