"""Clusters to measure on: 20 instances a node, three sizes of nodes, six of instances, by seed.

    random    instances anywhere they fit
    tight     the same, three quarters full
    newnodes  balanced, but a tenth of the nodes is empty
    hot       balanced, but some nodes run all that they could take over
    shared    on shared storage, half as many
"""

from __future__ import annotations

import random

from gnt.htools.world import Disk, Group, Instance, Node, Policy, Spec, World

GIB = 1024
# weight, memory, own memory, disk (GiB), CPUs, spindles
NODES = ((5, 192, 4, 6144, 32, 4), (3, 256, 4, 8192, 48, 6), (2, 384, 6, 12288, 64, 8))
# weight, memory (GiB), vCPUs, disk from, to (GiB)
INSTANCES = ((22, 1, 1, 8, 24), (26, 2, 1, 10, 60), (22, 4, 2, 20, 120), (16, 8, 4, 40, 250),
             (9, 16, 4, 60, 400), (5, 32, 8, 100, 800))
STD = Spec(memory=4096, cpus=2, disk_size=51200, disk_count=1, nic_count=1, spindle_use=1)
HOT_KEEPS = 2 * GIB  # MiB that a hot node still has


class Ground:
    """Nodes that fill up."""

    def __init__(self, rng: random.Random, count: int, tight: bool) -> None:
        kinds = rng.choices(NODES, [k[0] for k in NODES], k=count)
        self.mem = [int(k[1] * GIB * (0.72 if tight else 1)) for k in kinds]
        self.own = [k[2] * GIB for k in kinds]
        self.dsk = [k[3] * GIB for k in kinds]
        self.cpu, self.spn = [k[4] for k in kinds], [k[5] for k in kinds]
        self.free = [m - o for m, o in zip(self.mem, self.own, strict=True)]
        self.room, self.busy = list(self.dsk), [0] * count
        self.peers: list[dict[int, int]] = [{} for _ in kinds]

    def reserve(self, n: int) -> int:
        return max(self.peers[n].values(), default=0)

    def runs(self, n: int, i: Instance) -> bool:
        return (self.free[n] - i.mem > self.reserve(n) and self.room[n] > i.dsk
                and self.busy[n] + i.vcpus <= 4 * self.cpu[n])

    def copies(self, n: int, i: Instance, pri: int) -> bool:
        need = max(self.reserve(n), self.peers[n].get(pri, 0) + i.mem)
        return n != pri and self.room[n] > i.dsk and self.free[n] > need

    def put(self, i: Instance, pri: int, sec: int, sign: int = 1) -> Instance:
        """Take the room (or with sign -1 give it back)."""
        self.free[pri] -= sign * i.mem
        self.busy[pri] += sign * i.vcpus
        for n in (pri, sec) if sec >= 0 else ():
            self.room[n] -= sign * i.dsk
        if sec >= 0:
            self.peers[sec][pri] = self.peers[sec].get(pri, 0) + sign * i.mem
        return i.replace(pri=pri, sec=sec)

    def anywhere(self, rng: random.Random, i: Instance) -> Instance:
        nodes = range(len(self.mem))
        for _ in range(4000):
            pri, sec = rng.choice(nodes), rng.choice(nodes)
            if self.runs(pri, i) and i.template != "drbd":
                return self.put(i, pri, -1)
            if self.runs(pri, i) and self.copies(sec, i, pri):
                return self.put(i, pri, sec)
        raise SystemExit(f"{i.name} fits nowhere")

    def evenly(self, rng: random.Random, i: Instance, nodes: range) -> Instance:
        """The emptiest of a sample of nodes, and the one where least has to be reserved."""
        some = rng.sample(nodes, min(24, len(nodes)))
        some.sort(key=lambda n: -self.free[n] / self.mem[n] + self.busy[n] / self.cpu[n] / 2
                  - self.room[n] / self.dsk[n])
        for pri in some:
            good = [s for s in some if self.runs(pri, i) and self.copies(s, i, pri)]
            if good:
                return self.put(i, pri, min(good, key=lambda s: -self.room[s] / self.dsk[s] + max(
                    self.reserve(s), self.peers[s].get(pri, 0) + i.mem) / self.mem[s]))
        return self.anywhere(rng, i)

    def heat(self, made: list[Instance], n: int) -> list[Instance]:
        """The node runs what it is secondary of, as far as its memory goes."""
        found = []
        for i in made:
            if i.sec == n:
                self.put(i, i.pri, i.sec, -1)
                turn = self.free[n] - i.mem > HOT_KEEPS and self.room[n] > i.dsk
                i = self.put(i, *((i.sec, i.pri) if turn else (i.pri, i.sec)))
            found.append(i)
        return found


def instances(rng: random.Random, count: int, template: str) -> list[Instance]:
    made = []
    for k, (_, mem, cpus, low, high) in enumerate(
            rng.choices(INSTANCES, [c[0] for c in INSTANCES], k=count)):
        size = rng.randint(low, high) * GIB
        made.append(Instance(
            name=f"inst{k:05d}", mem=mem * GIB, dsk=size + 128 * (template == "drbd"), vcpus=cpus,
            status="running", pri=-1, template=template, disks=(Disk(size=size, spindles=1),)))
    return made


def cluster(count: int, shape: str = "random", seed: int = 1, per_node: int = 20) -> World:
    rng = random.Random(f"{seed}/{shape}/{count}/{per_node}")
    ground = Ground(rng, count, shape == "tight")
    template = "ext" if shape == "shared" else "drbd"
    made = instances(rng, count * per_node // (2 if shape == "shared" else 1), template)
    if shape in ("newnodes", "hot"):
        old = range(count - max(1, count // 10) if shape == "newnodes" else count)
        made = [ground.evenly(rng, i, old) for i in made]
        for n in range(max(1, count // 20) if shape == "hot" else 0):
            made = ground.heat(made, n)
    else:
        made = [ground.anywhere(rng, i) for i in made]
    policy = Policy(std=STD)
    nodes = tuple(Node(
        name=f"node{k:04d}", group=0, t_mem=float(ground.mem[k]), n_mem=ground.own[k],
        f_mem=ground.free[k], t_dsk=float(ground.dsk[k]), f_dsk=ground.room[k],
        t_cpu=float(ground.cpu[k]), n_cpu=1, spindles=ground.spn[k], master=k == 0,
    ) for k in range(count))
    return World(groups=(Group(name="group1", uuid="u1", policy=policy),), nodes=nodes,
                 instances=tuple(made), policy=policy)
