"""What jobs cost: ``python tests/bench/jobs.py`` (root: it starts a lab of three nodes).

One ``gnt-instance add`` of a diskless instance of the fake hypervisor: round trips and wall time of
the whole process.  Fifty submitted at once: jobs per second from the first client's start until the
last job has ended, and the memory of all clients and of the runner.
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
WALL, RATE = 1.35, 0.83  # of the reference: seconds for one, jobs per second of fifty
ADD = ("gnt-instance", "add", "-t", "diskless", "-H", "fake")


def cluster() -> labs.Lab:
    lab = labs.make("bench-jobs", 3)
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "fake",
            "--enabled-disk-templates", "diskless", "bench")
    for node in ("node2", "node3"):
        lab.run("gnt-node", "add", "--yes", node)
    lab.run("gnt-cluster", "modify", "--ipolicy-vcpu-ratio", "1000")  # room for all of them
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
    """(seconds until the last of the jobs has ended, most MB in use at a time)."""
    line = f"for n in $(seq {NUMBER}); do {' '.join(ADD)} --submit many$n & done; wait"
    start = time.perf_counter()
    shell = lab.start_command("sh", "-c", line)
    memory = Memory()
    while shell.poll() is None:
        memory.look()
        time.sleep(0.1)
    said, problems = shell.communicate()
    left = set(re.findall(r"JobID: (\d+)", said))
    assert len(left) == NUMBER, problems
    while left := left - ended(lab):
        memory.look()
        time.sleep(0.02)
    return time.perf_counter() - start, memory.most


def ended(lab: labs.Lab) -> set[str]:
    """The jobs of whose success the master's journal tells."""
    folder = lab.path(1, "/var/lib/gnt/config")
    journals = "".join(file.read_text() for file in folder.glob("journal-*.toml"))
    return set(re.findall(r'\njob = "(\d+)"\n(?:reason = .*\n)?result = "success"\n', journals))


class Memory:
    """The most that the clients and the runner had in use at a time: the sum of their proportional
    shares (PSS), in MB."""

    def __init__(self) -> None:
        self.most = 0.0
        self._ours: list[pathlib.Path] = []
        self._known = {process.name for process in pathlib.Path("/proc").glob("[0-9]*")}

    def look(self) -> None:
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            if process.name not in self._known and self._named(process):
                self._ours.append(process)
        self.most = max(self.most, sum(map(self._share, self._ours)))

    def _named(self, process: pathlib.Path) -> bool:
        """Whether it is one of them; not known until it is what it will be."""
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        if words[0].endswith((b"sh", b"nsenter", b"env")):
            return False
        self._known.add(process.name)
        return b"--submit" in words

    @staticmethod
    def _share(process: pathlib.Path) -> float:
        try:
            found = re.search(r"Pss: +(\d+)", (process / "smaps_rollup").read_text())
        except OSError:  # it has ended
            return 0.0
        return int(found[1]) * 1024 / 1e6 if found else 0.0


def bench() -> list[dict[str, Any]]:
    lab = cluster()
    try:
        trips, wall = one(lab)
        seconds, most = many(lab)
    finally:
        lab.down()
    return [
        figure("gnt-instance add -t diskless, round trips", trips, most=10),
        figure("gnt-instance add -t diskless, wall", wall, "s", most=0.35,
               note=f"best of 5; reference {WALL} s, {wall / WALL:.2f}×"),
        figure(f"{NUMBER} submitted at once", NUMBER / seconds, "jobs/s", least=10,
               note=f"reference {RATE}, {NUMBER / seconds / RATE:.0f}×"),
        figure(f"{NUMBER} submitted at once, memory of all", most, "MB", most=300),
    ]


if __name__ == "__main__":
    sys.exit(figures.run(bench))
