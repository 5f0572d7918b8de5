"""Loads from the monitoring format: what a node's collectors say about CPU use.

A file of JSON: ``{"node": [[reports]]}`` as saved from monitoring daemons; the newest
``cpu-avg-load`` report of a node counts.  A node's load is shared out among its running primaries
by their virtual CPUs; old samples weigh less (``smooth``).
"""

from __future__ import annotations

from gnt.htools.parts import read_json
from gnt.htools.world import BadData, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COLLECTOR = "cpu-avg-load"


def read(path: str) -> dict[str, float]:
    """CPU load by node; nodes without a usable report are left out."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise BadData(f"{path}: not an object with one entry per node")
    loads = {}
    for node, reports in data.items():
        samples = [load for report in flat(reports) if (load := cpu(report)) is not None]
        if samples:
            loads[node] = smooth(samples)
    return loads


def flat(reports: Any) -> list[dict[str, Any]]:
    """The reports of a node, however deep the lists are."""
    found, queue = [], [reports]
    while queue:
        one = queue.pop()
        if isinstance(one, dict):
            found.append(one)
        elif isinstance(one, list):
            queue += reversed(one)
    return found


def cpu(report: dict[str, Any]) -> float | None:
    """The load in a report of the CPU collector."""
    data = report.get("data")
    if report.get("name") != COLLECTOR or not isinstance(data, dict):
        return None
    value = data.get("cpu_total")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1e12:
        return None
    return float(value)


def smooth(samples: Sequence[float], weight: float = 0.5) -> float:
    """An exponential mean, the last sample newest."""
    mean = samples[0]
    for sample in samples[1:]:
        mean += weight * (sample - mean)
    return mean


def apply(world: World, path: str, complete: bool = False) -> World:
    """The world with CPU loads from the file; ``complete`` refuses missing nodes."""
    loads = read(path)
    cpus = [0] * len(world.nodes)
    for i in world.instances:
        if i.running and not i.forthcoming:
            cpus[i.pri] += i.vcpus
    missing = [n.name for k, n in enumerate(world.nodes)
               if cpus[k] and not n.offline and n.name not in loads]
    if complete and missing:
        raise BadData(f"{path}: no CPU load of {', '.join(missing)}")
    if missing:
        return world  # comparing measured with assumed loads would mean nothing

    def load(k: int, vcpus: int) -> float:
        return loads.get(world.nodes[k].name, 0.0) * vcpus / cpus[k] if cpus[k] else 0.0

    return world.replace(instances=tuple(
        i.replace(load=(load(i.pri, i.vcpus) if i.running else 0.0, *i.load[1:]))
        for i in world.instances))
