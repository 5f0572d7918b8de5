"""``python tests/bench/htools.py [--nodes N,…] [--reference SECONDS]``: htools against Debian's.

Prints CPU seconds of our programs' work in this process, and of the reference's programs on the
same files where they end within the time given; all on clusters made here.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.getcwd())

from gnt.htools import arrays, balance, capacity, reboot, search, text
from gnt.htools.allocate import Ground, Options
from gnt.htools.capacity import Shape
from gnt.htools.world import Disk, Group, Instance, Node, Policy, Spec, World

GIB = 1024
SIZES = ((1, 1, 16), (2, 1, 40), (4, 2, 80), (8, 4, 140), (16, 4, 230))
KINDS = ((192, 6, 32, 4), (256, 8, 48, 6), (384, 12, 64, 8))
STD = Spec(memory=4096, cpus=2, disk_size=51200, disk_count=1, nic_count=1, spindle_use=1)


def cluster(count: int, per_node: int = 20, template: str = "drbd", seed: int = 1) -> World:
    """Nodes of three sizes, instances of five, placed at random."""
    rng = random.Random(f"{seed}/{count}/{per_node}/{template}")
    kinds = [rng.choice(KINDS) for _ in range(count)]
    mem = [m * GIB - 4096 for m, *_ in kinds]
    dsk = [d * GIB * GIB for _, d, *_ in kinds]
    made = []
    for k in range(count * per_node):
        size, cpus, gib = rng.choice(SIZES)
        pri, sec = sorted(rng.sample(range(count), min(4, count)), key=lambda n: -mem[n])[:2]
        mirrored = template == "drbd"
        made.append(Instance(
            name=f"inst{k:05d}", mem=size * GIB, dsk=gib * GIB, vcpus=cpus, status="running",
            pri=pri, sec=sec if mirrored else -1, template=template,
            disks=(Disk(size=gib * GIB, spindles=1),)))
        mem[pri] -= size * GIB
        for n in (pri, sec) if mirrored else ():
            dsk[n] -= gib * GIB
    policy = Policy(std=STD, templates=(template,))
    nodes = [Node(
        name=f"node{k:04d}", group=0, t_mem=float(m * GIB), n_mem=4096, f_mem=mem[k],
        t_dsk=float(d * GIB * GIB), f_dsk=dsk[k], t_cpu=float(c), n_cpu=1, spindles=s,
        master=k == 0) for k, (m, d, c, s) in enumerate(kinds)]
    return World(groups=(Group(name="group1", uuid="u1", policy=policy),), nodes=tuple(nodes),
                 instances=tuple(made), policy=policy)


def cpu(work) -> tuple[float, object]:
    start = time.process_time()
    value = work()
    return time.process_time() - start, value


def reference(limit: float, *words: str) -> str:
    """CPU seconds of a program, or that it did not end in time."""
    if not limit:
        return "-"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        subprocess.run(words, capture_output=True, timeout=limit, check=False)
    except FileNotFoundError:
        return "not installed"
    except subprocess.TimeoutExpired:
        return f"> {limit:.0f}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f}"


def row(what: str, seconds: float, note: str, other: str) -> None:
    ratio = ""
    if other.replace(".", "").isdigit() and seconds:
        ratio = f"{float(other) / seconds:,.0f}x"
    print(f"{what:<34} {seconds:>9.4f} {other:>12} {ratio:>9}  {note}", flush=True)


def balancing(world: World, path: str, count: int, limit: float) -> None:
    other = reference(limit, "hbal", "-t", path)

    def exact() -> tuple[int, float]:
        state = arrays.state(world)
        return sum(1 for _ in balance.exact(world, state, balance.Rules())), state.score()

    seconds, (moves, score) = cpu(exact)
    row(f"hbal, {count} nodes", seconds, f"{moves} moves, score {score:.4f}", other)
    state = arrays.state(world)
    seconds, made = cpu(lambda: balance.fast(world, state, balance.Rules()))
    row(f"hbal --fast, {count} nodes", seconds, f"{len(made)} moves, score {state.score():.4f}",
        "-")


def searching(world: World, count: int) -> None:
    seconds, found = cpu(lambda: search.plan(world, balance.Rules(), search.Effort()))
    row(f"hbal --search, {count} nodes", seconds, f"{len(found.moves)} moves, score "
        f"{found.state.score():.4f}, {found.gib:.0f} GiB", "-")


def placing(world: World, path: str, count: int, limit: float) -> None:
    inst = Instance(name="new", mem=4096, dsk=51200, vcpus=2, status="running", pri=-1,
                    disks=(Disk(size=51200, spindles=1),))
    ground = Ground(world, Options(), [inst])
    nodes = ground.open_nodes(None)
    ground.search(inst, nodes, True)
    seconds, _ = cpu(lambda: ground.search(inst, nodes, True, False))
    row(f"place one, {count} nodes", seconds, "in this process, arrays made", "-")

    def hundred() -> int:
        for _ in range(100):
            place = ground.search(inst, nodes, True, False)
            if place:
                ground.put(inst, place[:2])
        return len(ground.instances) - len(world.instances)

    seconds, placed = cpu(hundred)
    row(f"place 100, {count} nodes", seconds, f"{placed} placed", "-")

    def fill() -> int:
        filled = capacity.standard(capacity.filler(world, Options(), None, "drbd", 1), Shape(
            mem=4096, dsk=51200, cpu=2, spn=1), None)
        high = world.policy.minmax[0][1]
        tiers = capacity.tiered(capacity.filler(world, Options(), None, "drbd", 1), [Shape(
            mem=high.memory, dsk=high.disk_size, cpu=high.cpus, spn=high.spindle_use)], None)
        return len(filled.shapes) + len(tiers.shapes)

    if count <= 80:
        other = reference(limit, "hspace", "-t", path)
        seconds, placed = cpu(fill)
        row(f"hspace, {count} nodes", seconds, f"{placed} placed", other)


def rebooting(world: World, path: str, count: int, limit: float) -> None:
    other = reference(limit, "hroller", "-t", path)

    def groups() -> int:
        nodes = range(len(world.nodes))
        made = reboot.colourings(reboot.graph(world, list(nodes), False))
        best = min((g for _, g in made), key=len)
        return len(reboot.plan(world, arrays.state(world), list(nodes), best, False, False))

    seconds, many = cpu(groups)
    row(f"hroller, {count} nodes", seconds, f"{many} groups", other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", default="10,20,40,200")
    parser.add_argument("--reference", type=float, default=20.0,
                        help="seconds each run of the reference may take; 0: none")
    chosen = parser.parse_args()
    print(f"{'CPU seconds':<34} {'ours':>9} {'reference':>12} {'ratio':>9}")
    for count in map(int, chosen.nodes.split(",")):
        world = cluster(count)
        with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
            file.write(text.write(world))
            file.flush()
            limit = chosen.reference if count <= 200 else 0
            balancing(world, file.name, count, limit)
            searching(world, count)
            placing(world, file.name, count, limit)
            rebooting(world, file.name, count, limit)


if __name__ == "__main__":
    main()
