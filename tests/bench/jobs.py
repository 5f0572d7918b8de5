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

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import labs  # noqa: E402 - the checkout is found first

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
    ids = [int(client.communicate()[0]) for client in clients]
    left = [str(job) for job in ids]
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


def main() -> int:
    lab = cluster()
    try:
        trips, wall = one(lab)
        seconds, most = many(lab)
    finally:
        lab.down()
    rows = (
        ("gnt-instance add -t diskless: round trips", trips, "at most 10", trips <= 10),
        ("gnt-instance add -t diskless: wall, s", round(wall, 3), "at most 0.35", wall <= 0.35),
        (f"{NUMBER} submitted at once: jobs per second", round(NUMBER / seconds, 1),
         "at least 10", NUMBER / seconds >= 10),
        (f"{NUMBER} submitted at once: MiB in all", round(most), "under 300", most < 300),
    )
    for what, got, wanted, good in rows:
        print(f"{what:48} {got:>8}   {wanted:14} {'' if good else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
