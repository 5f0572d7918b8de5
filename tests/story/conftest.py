"""A real cluster for stories: three lab nodes over SSH, driven from the admin's host."""

from __future__ import annotations

import json
import time

import pytest

from gnt.lab.guest.boot import BOOT
from tests.labs import Done, Lab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

BOOT_GUEST = (
    "-t", "sharedfile", "--disk", "0:size=1g", "-B", "memory=128m", "--ignore-ipolicy",
    "-O", "image=/var/cache/gnt-lab/boot.raw,seed=no",
)  # fmt: skip


class Cluster:
    """What stories do with a cluster."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def gnt(self, *words: str, status: int | None = 0) -> Done:
        """Run ``gnt …`` on the admin's host."""
        return self.lab.run("gnt", *words, status=status)

    def listed(self, noun: str, fields: str, *names: str) -> list[list[Any]]:
        """Rows of a list command, as JSON has them."""
        answer = self.gnt(noun, "list", "--format", "json", "-o", fields, *names, status=None)
        rows: list[dict[str, Any]] = json.loads(answer.stdout)
        return [list(row.values()) if isinstance(row, dict) else row for row in rows]

    def status(self, name: str) -> tuple[str, str]:
        """(primary node, status) of an instance."""
        ((node, status),) = self.listed("instance", "pnode,status", name)
        return node, status

    def until_says(self, name: str, text: str, deadline: float = 60) -> str:
        """What an instance printed on its console, once ``text`` is part of it."""
        latest = time.monotonic() + deadline
        while True:
            said = self.gnt("instance", "console", "--log", "--lines", "400", name).stdout
            if text in said:
                return said
            assert time.monotonic() < latest, f"no {text!r} in {said!r}"
            time.sleep(0.1)

    def traces(self, node: int) -> str:
        """Taps, guests' state, processes, disks and fences of instances on a node."""
        return self.lab.on(
            node, "sh", "-c",
            "ls /sys/class/net | grep ^gnt; ls /run/gnt/kvm 2>/dev/null | "
            "grep -v -e capabilities -e '\\.console$' -e '\\.log$';"
            "pgrep -fa '[q]emu-system.* -uuid ';"
            "ls -A /srv/gnt/file-storage /srv/gnt/shared-file-storage | "
            "grep -v -e : -e '^$'; ls -A /run/gnt/fence 2>/dev/null; true",
        ).stdout  # fmt: skip


def make(lab: Lab) -> Cluster:
    """A cluster of all the lab's nodes."""
    BOOT.made()
    cluster = Cluster(lab)
    cluster.gnt(
        "cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "kvm,fake",
        "--enabled-disk-templates", "sharedfile,file,diskless", "demo.lab",
    )  # fmt: skip
    for host in lab.hosts[1:]:
        cluster.gnt("node", "add", "--yes", f"node{host.number}")
    return cluster


@pytest.fixture(scope="module")
def cluster(lab: Lab) -> Cluster:
    return make(lab)


@pytest.fixture(scope="module")
def new_cluster(new_lab: Callable[[int], Lab]) -> Iterator[Callable[[int], Cluster]]:
    yield lambda count: make(new_lab(count))
