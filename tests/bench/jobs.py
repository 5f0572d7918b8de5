"""What jobs cost: ``python tests/bench/jobs.py`` (root: it starts a lab of three nodes).

One ``gnt-instance add`` of a diskless instance of the fake hypervisor: round trips and wall time of
the whole process.  Fifty submitted at once: jobs per second until the last has ended, and the
memory of all processes that took part.  The reference took 1.35 s and ran 0.83 jobs per second.
"""

from __future__ import annotations

import pathlib
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
ADD = ("gnt-instance", "add", "-t", "diskless", "-H", "fake")


def cluster() -> labs.Lab:
    lab = labs.make("bench-jobs", 3)
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "fake",
            "--enabled-disk-templates", "diskless", "bench")
    for node in ("node2", "node3"):
        lab.run("gnt-node", "add", "--yes", node)
    return lab


def one(lab: labs.Lab, tries: int = 5) -> tuple[int, float]:
    """(round trips, best wall time in seconds) of one command."""
    walls, trips = [], 0
    for number in range(tries):
        start = time.perf_counter()
        said = lab.run(*ADD, "--timing", f"one{number}").stderr
        walls.append(time.perf_counter() - start)
        trips = max(trips, int(re.findall(r"(\d+) round trips", said)[0]))
    return trips, min(walls)


def many(lab: labs.Lab) -> tuple[float, float]:
    """(seconds until the last of the jobs has ended, most MiB in use at a time)."""
    start = time.perf_counter()
    clients = [lab.start_command(*ADD, "--submit", f"many{n}") for n in range(NUMBER)]
    most = 0.0
    while any(client.poll() is None for client in clients):
        most = max(most, memory())
        time.sleep(0.2)
    left = [re.findall(r"\d+", client.communicate()[0])[0] for client in clients]
    while left:
        listed = lab.run("gnt-job", "list", "--no-headers", "-o", "id,status").stdout.split("\n")
        ended = {line.split()[0] for line in listed if line.endswith("success")}
        left = [job for job in left if job not in ended]
        most = max(most, memory())
    return time.perf_counter() - start, most


def memory() -> float:
    """MiB that our processes do not share with others: clients and runner."""
    total = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"many" in (process / "cmdline").read_bytes():
                text = (process / "smaps_rollup").read_text()
                total += int(re.findall(r"Pss: +(\d+)", text)[0])
        except (OSError, IndexError):
            continue  # it has just ended
    return total / 1024


def bench() -> list[dict[str, Any]]:
    lab = cluster()
    try:
        trips, wall = one(lab)
        seconds, most = many(lab)
    finally:
        lab.down()
    return [
        figure("gnt-instance add -t diskless, round trips", trips, most=10),
        figure("gnt-instance add -t diskless, wall", wall, "s", most=0.35, note="best of 5"),
        figure(f"{NUMBER} submitted at once", NUMBER / seconds, "jobs/s", least=10),
        figure(f"{NUMBER} submitted at once, memory of all", most, "MiB", most=300),
    ]


if __name__ == "__main__":
    sys.exit(figures.run(bench))
