"""The score and the moves again: slow, obvious, from the description of the metric alone."""

from __future__ import annotations

from math import sqrt

from gnt.htools.arrays import DESIRED, LOCATION, exclusion_tags, node_tags, suffixes
from gnt.htools.world import LOCAL, World

F, R, RF, FRF, FR, FA = range(6)


class Place:
    """What is on one node."""

    def __init__(self, world: World, k: int) -> None:
        self.world, self.k, self.node = world, k, world.nodes[k]
        real = [i for i in world.instances if not i.forthcoming]
        self.pri = [i for i in real if i.pri == k]
        self.sec = [i for i in real if i.sec == k]
        self.soon = [i for i in world.instances if i.forthcoming and k in (i.pri, i.sec)]
        self.all_pri = [i for i in world.instances if i.pri == k]

    def free_mem(self) -> float:
        n = self.node
        used = sum(i.mem for i in self.pri if i.uses_memory)
        known = int(n.t_mem) - n.n_mem - used
        return min(known, n.f_mem)

    def reserved(self) -> int:
        by_primary: dict[int, int] = {}
        for i in self.sec:
            if i.auto_balance and not i.offline:
                by_primary[i.pri] = by_primary.get(i.pri, 0) + i.mem
        return max(by_primary.values(), default=0)

    def fails(self) -> bool:
        return self.node.f_mem < self.reserved()

    def cpus(self, soon: bool) -> float:
        here = self.all_pri if soon else self.pri
        return self.node.n_cpu + sum(i.vcpus for i in here if not i.offline)

    def spindles(self, soon: bool) -> float:
        n = self.node
        if n.exclusive_storage:
            return 0.0
        here = [*self.pri, *self.sec, *(self.soon if soon else [])]
        used = sum(i.spindle_use for i in here if i.template in LOCAL)
        return used / (self.world.policy_of(n).spindle_ratio * n.spindles)

    def disk(self, soon: bool) -> float:
        n = self.node
        coming = [i for i in self.soon if i.template in LOCAL] if soon else []
        if n.exclusive_storage:
            free = n.free_spindles
            for i in self.soon if soon else []:
                free = -1 if i.spindles is None else free - i.spindles
            return free / n.spindles if n.spindles else 1.0
        return (n.f_dsk - sum(i.dsk for i in coming)) / n.t_dsk if n.t_dsk else 1.0

    def loads(self) -> list[float]:
        sums = [sum(i.load[k] for i in self.pri) for k in range(4)]
        sums[2] += sum(i.load[2] for i in self.sec)
        return sums

    def spread_values(self) -> list[float]:
        n = self.node
        idle = sum(i.mem for i in self.all_pri if not i.uses_memory)
        return [
            self.free_mem() / n.t_mem, self.disk(False), self.reserved() / n.t_mem,
            self.cpus(False) / n.t_cpu / n.cpu_speed, *self.loads(), self.spindles(False),
            (n.f_mem - idle) / n.t_mem, self.disk(True),
            self.cpus(True) / n.t_cpu / n.cpu_speed, self.spindles(True),
        ]


def deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sqrt(sum((v - mean) ** 2 for v in values) / len(values))


def tag_clashes(world: World, place: Place) -> int:
    tags = [t for i in place.all_pri for t in exclusion_tags(world, i)]
    return len(tags) - len(set(tags))


def location_score(world: World, place: Place) -> int:
    here = node_tags(world, place.node, LOCATION)
    wished = tuple(suffixes(world.tags, DESIRED))
    total = 0
    for i in place.pri:
        if i.sec >= 0:
            total += len(here & node_tags(world, world.nodes[i.sec], LOCATION))
        if wished:
            total += len({t for t in i.tags if t.startswith(wished)} - here)
    return total


def shared_places(world: World, online: list[Place]) -> int:
    pairs = [(where, tag) for p in online for where in node_tags(world, p.node, LOCATION)
             for i in p.pri for tag in exclusion_tags(world, i)]
    return len(pairs) - len(set(pairs))


def components(world: World) -> list[float]:
    """The 20 parts of the score, in the order in which they are shown."""
    places = [Place(world, k) for k in range(len(world.nodes))]
    online = [p for p in places if not p.node.offline]
    off = [p for p in places if p.node.offline]
    if not online:
        return [0.0] * 20
    values = [p.spread_values() for p in online]
    sd = [deviation([v[k] for v in values]) for k in range(13)]
    n1 = sum(len(p.pri) + len(p.sec) for p in online if p.fails())
    off_pri = sum(len(p.pri) for p in off)
    off_all = off_pri + sum(len(p.sec) for p in off)
    return [
        sd[0], sd[1], n1, sd[2], off_all, off_pri, sd[3], *sd[4:8],
        sum(tag_clashes(world, p) for p in online), sd[8], *sd[9:13],
        sum(location_score(world, p) for p in online), shared_places(world, online),
        sum(p.reserved() / p.node.t_mem for p in online),
    ]


WEIGHTS = (0.5, 0.5, 1, 1, 4, 16, 0.5, 1, 1, 1, 1, 2, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 0.25)


def score(world: World) -> float:
    return sum(w * v for w, v in zip(WEIGHTS, components(world), strict=True))


def after(kind: int, target: int, pri: int, sec: int) -> tuple[int, int]:
    """Where a move leads."""
    if kind == F:
        return sec, pri
    if kind == R:
        return pri, target
    if kind == RF:
        return target, pri
    if kind == FR:
        return sec, target
    return target, sec


def broken(world: World) -> list[str]:
    """What a strict plan must never leave behind on an online node (fresh data, no odd states)."""
    found = []
    for k in range(len(world.nodes)):
        p = Place(world, k)
        n, policy = p.node, world.policy_of(p.node)
        if n.offline:
            continue
        if int(n.t_mem) - n.n_mem - sum(i.mem for i in p.pri if i.uses_memory) <= p.reserved():
            found.append(f"{n.name}: N+1")
        if p.cpus(False) / n.t_cpu > policy.vcpu_ratio:
            found.append(f"{n.name}: vCPUs")
        if tag_clashes(world, p):
            found.append(f"{n.name}: tags")
        disk = int(n.t_dsk) - sum(i.dsk for i in [*p.pri, *p.sec] if i.template in LOCAL)
        if disk <= 0:
            found.append(f"{n.name}: disk")
    return found
