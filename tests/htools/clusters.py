"""Random small clusters of every kind, the same for the same seed."""

from __future__ import annotations

import random

from gnt.htools.world import (
    STATUSES,
    TEMPLATES,
    Disk,
    Group,
    Instance,
    Node,
    Policy,
    World,
)

GIB = 1024
PLAIN_TAGS: tuple[str, ...] = ()
ALL_TAGS = (
    "htools:iextags:service", "htools:nlocation:rack", "htools:nlocation:power",
    "htools:desiredlocation:rack", "htools:migration:hv", "htools:allowmigration:hv:old::hv:new",
)


def make(seed: int, *, nodes: int = 5, per_node: int = 4, groups: int = 1, odd: float = 0.0,
         tags: bool = False, exclusive: bool = False, offline: int = 0, shared: float = 0.0,
         equal: bool = False) -> World:
    """``odd``: part of instances with unusual states; ``shared``: part on shared storage;
    ``equal``: all nodes alike, so that many moves are equally good."""
    rng = random.Random(f"{seed}/{nodes}/{per_node}/{groups}/{odd}/{tags}/{exclusive}/{offline}")
    made = [_node(rng, k, k % groups, tags, exclusive, equal) for k in range(nodes)]
    made[0] = made[0].replace(master=True)
    instances = _place(rng, made, nodes * per_node, odd, tags, shared)
    made = _used(made, instances)
    for k in range(offline):
        made[-1 - k] = made[-1 - k].replace(offline=True)
    policy = Policy()
    return World(
        groups=tuple(Group(name=f"group{g + 1}", uuid=f"uuid-{g + 1}", policy=policy)
                     for g in range(groups)),
        nodes=tuple(made), instances=tuple(instances),
        tags=ALL_TAGS if tags else PLAIN_TAGS, policy=policy,
    )


def _node(rng: random.Random, k: int, group: int, tags: bool, exclusive: bool, equal: bool) -> Node:
    mem = 64 * GIB if equal else rng.choice((48, 64, 96)) * GIB
    dsk = 2048 * GIB if equal else rng.choice((2, 3, 4)) * 1024 * GIB
    words = (f"rack:{k // 2}", f"power:{k % 2}", rng.choice(("hv:old", "hv:new"))) if tags else ()
    spindles = 40 if exclusive else rng.choice((2, 4))
    return Node(
        name=f"node{k + 1:02d}.example.com", group=group, t_mem=float(mem), n_mem=GIB,
        f_mem=mem - GIB, t_dsk=float(dsk), f_dsk=dsk,
        t_cpu=16.0 if equal else rng.choice((16.0, 24.0)),
        n_cpu=1, spindles=4 if equal and not exclusive else spindles, tags=words,
        free_spindles=spindles if exclusive else 0, exclusive_storage=exclusive,
        cpu_speed=rng.choice((1.0, 1.5)) if tags else 1.0,
    )


def _place(rng: random.Random, nodes: list[Node], count: int, odd: float, tags: bool,
           shared: float) -> list[Instance]:
    made = []
    groups = {n.group for n in nodes}
    for k in range(count):
        group = rng.choice(sorted(groups))
        inside = [j for j, n in enumerate(nodes) if n.group == group]
        pri, sec = rng.sample(inside, 2) if len(inside) > 1 else (inside[0], -1)
        template = "drbd" if sec >= 0 else "plain"
        if rng.random() < shared:
            template = rng.choice(("rbd", "ext", "sharedfile", "gluster"))
        weird = rng.random() < odd
        if weird and rng.random() < 0.4:
            template = rng.choice(TEMPLATES) if sec >= 0 else "plain"
        size = rng.randint(4, 40) * GIB
        words = []
        if tags and rng.random() < 0.5:
            words.append(f"service:{rng.randrange(max(2, count // 4))}")
        if tags and rng.random() < 0.3:
            words.append(f"rack:{rng.randrange(3)}")
        made.append(Instance(
            name=f"inst{k + 1:03d}.example.com", mem=rng.choice((512, 1024, 2048, 4096)),
            dsk=size, vcpus=rng.choice((1, 1, 2, 4)),
            status=rng.choice(STATUSES) if weird else "running",
            auto_balance=not (weird and rng.random() < 0.3), pri=pri,
            sec=sec if template == "drbd" else -1, template=template, tags=tuple(words),
            spindle_use=rng.choice((1, 1, 2)), disks=(Disk(size=size, spindles=1),),
            forthcoming=weird and rng.random() < 0.2,
        ))
    return made


def _used(nodes: list[Node], instances: list[Instance]) -> list[Node]:
    """The nodes with what the instances use taken off."""
    mem, dsk, spn = ([0] * len(nodes) for _ in range(3))
    for i in instances:
        if i.forthcoming:
            continue
        mem[i.pri] += i.mem if i.uses_memory else 0
        for n in {i.pri, i.sec} - {-1}:
            if i.template in ("drbd", "plain"):
                dsk[n] += i.dsk
                spn[n] += 1
    return [n.replace(
        f_mem=n.f_mem - mem[k], f_dsk=n.f_dsk - dsk[k],
        free_spindles=n.free_spindles - spn[k] if n.exclusive_storage else 0,
    ) for k, n in enumerate(nodes)]


def refreshed(world: World) -> World:
    """What nodes would report after the moves."""
    mem = [0] * len(world.nodes)
    dsk = [0] * len(world.nodes)
    for i in world.instances:
        mem[i.pri] += i.mem if i.uses_memory else 0
        for n in {i.pri, i.sec} - {-1}:
            dsk[n] += i.dsk if i.template in ("drbd", "plain") else 0
    return world.replace(nodes=tuple(
        n.replace(f_mem=int(n.t_mem) - n.n_mem - mem[k], f_dsk=int(n.t_dsk) - dsk[k])
        for k, n in enumerate(world.nodes)))
