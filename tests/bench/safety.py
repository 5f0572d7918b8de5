"""What changing the master and looking at everything cost: ``python tests/bench/safety.py`` (root).

A lab of three nodes with 50 instances on file disks (fake hypervisor).  ``gnt-cluster verify`` of
all of it; a planned failover, and one whose master is dead, each with an address that moves along.
Wall time of the whole process.
"""

from __future__ import annotations

import re
import sys
import time

import figures
from figures import figure

from tests import labs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NUMBER = 50
CONNECT = 4.0  # seconds until a host that does not answer is given up
ADD = ("gnt-instance", "add", "-t", "file", "-s", "1g", "-H", "fake")


def cluster() -> labs.Lab:
    lab = labs.make("bench-safety", 3)
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "fake",
            "--enabled-disk-templates", "file", "--master-netdev", "eth0", "--master-ip",
            "10.77.0.5", "bench")
    for node in ("node2", "node3"):
        lab.run("gnt-node", "add", "--yes", node)
    for number in range(NUMBER):
        lab.run(*ADD, "-n", f"node{number % 3 + 1}", f"i{number}")
    return lab


def timed(lab: labs.Lab, *words: str, tries: int = 1) -> tuple[float, int]:
    """(best wall time in seconds, round trips)"""
    walls, trips = [], 0
    for _ in range(tries):
        start = time.perf_counter()
        said = lab.run(*words, "--timing").stderr
        walls.append(time.perf_counter() - start)
        trips = int(re.findall(r"(\d+) round trips", said)[-1])
    return min(walls), trips


def bench() -> list[dict[str, Any]]:
    lab = cluster()
    fail_over = ("gnt-cluster", "master-failover", "--to")
    try:
        verify, asked = timed(lab, "gnt-cluster", "verify", tries=7)
        planned = min(timed(lab, *fail_over, name)[0] for name in ("node2", "node3", "node1"))
        lab.kill(1)
        dead, _ = timed(lab, *fail_over, "node2")
    finally:
        lab.down()
    return [
        figure(f"gnt-cluster verify, 3 nodes, {NUMBER} instances", verify, "s", most=1,
               note=f"best of 7, {asked} round trips"),
        figure("planned gnt-cluster master-failover with its address", planned, "s", most=3,
               note="best of 3"),
        figure("the same when the master is dead", dead, "s", most=10 + CONNECT,
               note=f"10 s and the connect deadline, {CONNECT:g} s"),
    ]


if __name__ == "__main__":
    sys.exit(figures.run(bench))
