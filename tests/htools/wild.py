"""Clusters of every kind for the comparison with Debian's programs, the same for the same seed.

Where :mod:`clusters` makes one thing odd at a time, here everything may be, in one cluster.
"""

from __future__ import annotations

import random

from gnt.htools.world import Group, Instance, Node, Policy, Spec, World
from tests.htools import clusters

TAGS = (
    "htools:iextags:service", "htools:iextags:rack", "htools:nlocation:rack",
    "htools:nlocation:power", "htools:desiredlocation:rack", "htools:desiredlocation:power",
    "htools:migration:hv", "htools:allowmigration:hv:old::hv:new", "htools:migration:zone",
    "htools:allowmigration:zone:a::zone:b", "something else", "htools:iextags:", "htools:nlocation",
)
WORDS = ("rack:0", "rack:1", "rack:2", "power:0", "power:1", "hv:old", "hv:new", "zone:a", "zone:b",
         "htools:standby:auto", "service:1")


def make(seed: int, most: int = 7) -> World:
    """``most``: nodes."""
    rng = random.Random(f"wild {seed}")
    nodes = rng.randint(1, most)
    world = clusters.make(
        rng.randrange(10**6), nodes=nodes, per_node=rng.randint(1, 5),
        groups=rng.choice((1, 1, 1, 2, 3)), odd=rng.choice((0, 0, 0.3, 0.6)),
        tags=rng.random() < 0.3, exclusive=rng.random() < 0.1,
        offline=rng.choice((0, 0, 0, 1, 2)) if nodes > 2 else 0,
        shared=rng.choice((0, 0, 0.3, 1)), equal=rng.random() < 0.3)
    for change in (_policies, _tags, _groups, _split, _full, _degenerate, _less):
        if rng.random() < RATES.get(change.__name__, 0.25):
            world = change(rng, world)
    return world


RATES = {"_split": 0.12, "_degenerate": 0.08, "_less": 0.08, "_full": 0.15}


def _some(rng: random.Random, words: tuple[str, ...], share: float) -> tuple[str, ...]:
    return tuple(w for w in words if rng.random() < share)


def _policy(rng: random.Random) -> Policy:
    low = Spec(memory=rng.choice((64, 128, 512)), cpus=1, disk_size=rng.choice((512, 1024)),
               disk_count=rng.choice((0, 1)), nic_count=0, spindle_use=1)
    high = Spec(memory=rng.choice((2048, 4096, 16384)), cpus=rng.choice((2, 4, 8)),
                disk_size=rng.choice((20480, 102400)), disk_count=rng.choice((1, 16)), nic_count=8,
                spindle_use=rng.choice((1, 2, 12)))
    std = low.replace(memory=rng.choice((512, 1024, 2048)), disk_size=rng.choice((1024, 10240)),
                      disk_count=1)
    pairs = ((low, high),)
    if rng.random() < 0.3:
        middle = high.replace(memory=1024, cpus=2, disk_size=8192)
        pairs = rng.choice((((low, middle), (middle, high)), ((middle, high), (low, middle))))
    return Policy(
        std=std, minmax=pairs, vcpu_ratio=rng.choice((1.0, 2.0, 4.0, 0.3)),
        spindle_ratio=rng.choice((1.0, 4.0, 32.0)), templates=rng.choice((
            Policy().templates, ("drbd", "plain"), ("plain", "drbd"), ("rbd", "drbd"), ("drbd",))))


def _policies(rng: random.Random, world: World) -> World:
    return world.replace(policy=_policy(rng), groups=tuple(
        g.replace(policy=_policy(rng)) if rng.random() < 0.7 else g for g in world.groups))


def _tags(rng: random.Random, world: World) -> World:
    share = rng.choice((0.2, 0.5))
    return world.replace(
        tags=_some(rng, TAGS, 0.5),
        nodes=tuple(n.replace(tags=_some(rng, WORDS, share)) for n in world.nodes),
        instances=tuple(i.replace(tags=_some(rng, WORDS, share / 2)) for i in world.instances))


def _groups(rng: random.Random, world: World) -> World:
    groups = tuple(g.replace(alloc_policy=rng.choice((
        "preferred", "preferred", "last_resort", "unallocable"))) for g in world.groups)
    if rng.random() < 0.3:
        groups = (*groups, Group(name="empty", uuid="uuid-empty"))
    return world.replace(groups=groups)


def _split(rng: random.Random, world: World) -> World:
    """Secondaries anywhere."""
    def moved(i: Instance) -> Instance:
        others = [k for k in range(len(world.nodes)) if k != i.pri]
        return i.replace(sec=rng.choice(others)) if i.sec >= 0 and rng.random() < 0.3 else i

    return world.replace(instances=tuple(moved(i) for i in world.instances))


def _full(rng: random.Random, world: World) -> World:
    """Little is left of something."""
    def used(n: Node) -> Node:
        return n.replace(**rng.choice((
            {"f_mem": rng.choice((0, 100, n.f_mem // 8))},
            {"f_dsk": rng.choice((0, n.f_dsk // 20))},
            {"t_cpu": 2.0}, {"spindles": 1}, {"n_mem": 5000})))

    return world.replace(nodes=tuple(used(n) if rng.random() < 0.5 else n for n in world.nodes))


def _degenerate(rng: random.Random, world: World) -> World:
    at = rng.randrange(len(world.nodes))
    nothing = {"t_dsk": 0.0, "f_dsk": 0, "t_cpu": 0.0, "spindles": 0}
    change = rng.choice((
        {"t_cpu": 0.0}, {"t_mem": 0.0, "f_mem": 0, "n_mem": 0}, {"t_dsk": 0.0, "f_dsk": 0},
        {"spindles": 0}, {"f_mem": -9}, {"f_dsk": -9}, {"cpu_speed": 0.0}, {"n_cpu": 0},
        {"t_cpu": 0.0, "offline": True}, {"t_mem": 0.0, "offline": True}, {"t_mem": 0.5},
        nothing))
    return world.replace(nodes=tuple(
        n.replace(**change) if k == at else n for k, n in enumerate(world.nodes)))


def _less(rng: random.Random, world: World) -> World:
    """Something is missing altogether."""
    kind = rng.randrange(5)
    if kind == 0:
        return world.replace(instances=())
    if kind == 1:
        return world.replace(nodes=(), instances=())
    if kind == 2:
        return world.replace(nodes=tuple(n.replace(master=False) for n in world.nodes))
    if kind == 3:
        return world.replace(policy=world.policy.replace(
            **rng.choice(({"minmax": ()}, {"templates": ()}))))
    return world.replace(nodes=tuple(n.replace(offline=True) for n in world.nodes))
