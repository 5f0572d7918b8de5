"""CPU loads from monitoring daemons: live over HTTP, or from files in their format.

A file is a list of ``{"node": NAME, "reports": [REPORT, …]}``.  The first ``cpu-avg-load`` report
of a node is its load; each primary's part is by its virtual CPUs of all that are in use, the node's
own included.  With Xen's collectors ``xen-cpu-avg-load`` counts instead, which knows instances; the
node's load is their sum.  As in the reference, the data is used only when it is complete: measured
and assumed loads do not compare.
"""

from __future__ import annotations

from gnt.htools.parts import Part, parse_json, read_json
from gnt.htools.served import Server
from gnt.htools.show import ratio
from gnt.htools.world import BadData, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Reports = Mapping[str, list[Mapping[str, Any]]]  # by node

NODE, XEN = "cpu-avg-load", "xen-cpu-avg-load"
PATHS = {NODE: f"/1/report/default/{NODE}", XEN: f"/1/report/hypervisor/{XEN}"}
PORT = 1815
DEADLINE = 5.0  # seconds for one answer
LONGEST = 1 << 20  # bytes of one answer
SIDE_BY_SIDE = 50


class Monitoring(Record):
    """Where monitoring data comes from, and how it is used."""

    files: tuple[str, ...] = ()  # the oldest first
    wanted: bool = False
    port: int = PORT
    xen: bool = False
    complete: bool = False  # refuse data that is not
    weight: float = 0.5  # what each newer sample counts


def apply(world: World, wish: Monitoring) -> World:
    """The world with the CPU loads that were measured; unchanged when these are not complete."""
    samples = [found(world, read(path), wish.xen) for path in wish.files]
    if not wish.files:
        samples.append(found(world, fetch(world, wish), wish.xen))
    if any(sample is None for sample in samples):
        if wish.complete:
            raise BadData("not all required monitoring data is available",
                          hint="without --exit-on-missing-mond-data the usual loads are taken")
        import sys

        sys.stderr.write("Warning: not every node's monitoring data is there, so that "
                         f"{XEN if wish.xen else NODE} is ignored\n")
        return world
    loads = smooth([sample for sample in samples if sample is not None], wish.weight)
    return measured(world, loads) if wish.xen else shared(world, loads)


def smooth(samples: Sequence[Sequence[float]], weight: float) -> list[float]:
    """An exponential mean of each one's samples, the last one newest."""
    mean = list(samples[0])
    for sample in samples[1:]:
        mean = [old + weight * (new - old) for old, new in zip(mean, sample, strict=True)]
    return mean


def shared(world: World, loads: Sequence[float]) -> World:
    """Nodes have the loads; their primaries get parts."""
    cpus = [n.n_cpu for n in world.nodes]
    for inst in world.instances:
        if not inst.forthcoming and not inst.offline:
            cpus[inst.pri] += inst.vcpus
    each = [ratio(load, count) for load, count in zip(loads, cpus, strict=True)]
    return with_loads(world, loads, [each[i.pri] * i.vcpus for i in world.instances])


def measured(world: World, loads: Sequence[float]) -> World:
    """Instances have the loads, nodes their sums (from the last listed on)."""
    sums = [0.0] * len(world.nodes)
    for inst, load in zip(reversed(world.instances), reversed(loads), strict=True):
        sums[inst.pri] += 0 if inst.forthcoming else load
    return with_loads(world, sums, loads)


def with_loads(world: World, nodes: Sequence[float], instances: Sequence[float]) -> World:
    return world.replace(
        nodes=tuple(n.replace(cpu_load=x) for n, x in zip(world.nodes, nodes, strict=True)),
        instances=tuple(i.replace(load=(x, *i.load[1:]))
                        for i, x in zip(world.instances, instances, strict=True)))


def read(path: str) -> Reports:
    """The reports in a file."""
    data = read_json(path)
    if not isinstance(data, list):
        raise BadData(f"{path}: not a list with one entry per node")
    reports: dict[str, list[Mapping[str, Any]]] = {}
    for number, entry in enumerate(data):
        part = Part(entry, f"{path}: [{number}]")
        reports[part.get("node", str)] = [r for r in part.get("reports", list)
                                          if isinstance(r, dict)]
    return reports


def found(world: World, reports: Reports, xen: bool) -> list[float] | None:
    """The CPU load of every instance (``xen``) or node; None when something is missing."""
    name = XEN if xen else NODE
    chosen = [next((r for r in reports.get(n.name, ()) if r.get("name") == name), None)
              for n in world.nodes]
    data = [r["data"] for r in chosen if r is not None and isinstance(r.get("data"), dict)]
    if len(data) != len(chosen):
        return None
    return of_instances(world, data) if xen else of_nodes(data)


def of_nodes(reports: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """What the CPU collector says of each."""
    for data in reports:
        if not number(data.get("cpu_number")) or not isinstance(data.get("cpus"), list) \
                or not number(data.get("cpu_total")):
            return None
    return [float(data["cpu_total"]) for data in reports]


def of_instances(world: World, reports: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """What Xen's collector says of each; of several nodes that know one, the first counts."""
    loads: dict[str, float] = {}
    for data in reports:
        for name, load in data.items():
            if not number(load):
                return None
            loads.setdefault(name, float(load))
    wanted = [loads.get(inst.name) for inst in world.instances]
    return None if None in wanted else [load for load in wanted if load is not None]


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12


# --- live -----------------------------------------------------------------------------------------


def fetch(world: World, wish: Monitoring) -> Reports:
    """Ask the daemons of all nodes that are online; who does not answer has no reports."""
    from concurrent.futures import ThreadPoolExecutor

    names = [node.name for node in world.nodes if not node.offline]
    collector = XEN if wish.xen else NODE
    with ThreadPoolExecutor(max_workers=max(1, min(SIDE_BY_SIDE, len(names)))) as pool:
        answers = pool.map(lambda name: ask(name, wish.port, collector), names)
        return {name: [answer] for name, answer in zip(names, answers, strict=True)
                if answer is not None}


def ask(host: str, port: int, collector: str) -> Mapping[str, Any] | None:
    """One daemon's report; None when there is none that can be read."""
    path = PATHS[collector]
    try:
        server = Server.at(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        body = server.fetch(path, seconds=DEADLINE, most=LONGEST)
        report = parse_json(body.decode(), server.url + path)
    except (ValueError, BadData):
        return None
    return report if isinstance(report, dict) else None
