"""``python tests/bench/htools.py [--reference SECONDS] [--descent SECONDS] [--only PART,…]
[--json FILE]``: htools against Debian's.

CPU seconds of our work in this process, on clusters made here (``shapes``); the reference's
programs run on the same files, where they end within the seconds given (60; with 900, or with
``--descent 900``, also the descent on 40 nodes, whose ratio then has a gate of its own).  Parts:
greedy, searches, proven, placing, planning.  Quality is compared with the greedy descent, which is
the reference's move for move (``tests/htools/test_reference.py``), and with the proven optimum
(``optimum.c``).
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import figures
import shapes
from figures import figure

from gnt.htools import arrays, balance, capacity, reboot, search, squeeze, text
from gnt.htools.allocate import Ground, Options
from gnt.htools.balance import Rules
from gnt.htools.capacity import Shape
from gnt.htools.search import Effort
from gnt.htools.world import Disk, Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gnt.htools.world import Spec, World

    Row = dict[str, Any]



def given(option: str, usual: float) -> float:
    """The seconds of an option."""
    return float(sys.argv[sys.argv.index(option) + 1]) if option in sys.argv else usual


LIMIT = given("--reference", 60)
DESCENT = given("--descent", LIMIT)
SHAPES = ("random", "newnodes", "hot", "tight")
HAIL = "/usr/lib/ganeti/iallocators/hail"
NEW = Instance(name="new", mem=4096, dsk=51328, vcpus=2, status="running", pri=-1,
               disks=(Disk(size=51200, spindles=1),))
SMALL = range(1, 7)  # seeds of the clusters whose optimum is looked for


def cpu(work: Callable[[], Any], times: int = 3) -> float:
    """The least CPU seconds of some runs."""
    best = 1e9
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def grown(work: Callable[[], Any]) -> float:
    """MiB by which a process's peak grows while it works."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(write, str((after - before) / 1024).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as file:
        return float(file.read())


def program(*words: str, data: str = "", limit: float = LIMIT) -> tuple[float, str] | None:
    """CPU seconds and output of a program; None if it is not there or takes too long."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(words, capture_output=True, timeout=limit, check=False, text=True,
                              input=data)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def beside(
    what: str, ours: float, theirs: tuple[float, str] | None, least: float | None = None,
    **gate: Any,
) -> list[Row]:
    """Our seconds with their gate, and the ratio to the reference's, with its, if that ended."""
    rows = [figure(what, ours, "s", **gate)]
    if theirs:
        rows.append(figure(f"{what}: the reference", theirs[0] / ours, "times", least=least,
                           note=f"{theirs[0]:.1f} s"))
    return rows


def same_moves(world: World, theirs: tuple[float, str] | None) -> None:
    """A ratio of different work would say nothing."""
    if theirs:
        many, score, _ = descent(world)
        assert f"Solution length={many}\n" in theirs[1]
        assert f" to {score:.8f}\n" in theirs[1]


@contextlib.contextmanager
def saved(content: str) -> Iterator[str]:
    """The path of a file while it is needed."""
    with tempfile.NamedTemporaryFile("w", suffix=".data") as file:
        file.write(content)
        file.flush()
        yield file.name


def descent(world: World) -> tuple[int, float, float]:
    """Moves, score and GiB of the reference's greedy descent."""
    state = arrays.state(world)
    moves = list(balance.exact(world, state, Rules()))
    return len(moves), state.score(), search.copied(world, moves)


def greedy() -> list[Row]:
    rows = []
    for count, most, least in ((20, None, None), (40, 0.056, 5000), (200, 5.0, None)):
        world = shapes.cluster(count)
        runs = 2 if count > 40 else 6
        seconds = cpu(lambda world=world: descent(world), runs)
        if count <= 40:  # ours before and after it: the machine may have become faster or slower
            with saved(text.write(world)) as path:
                theirs = program("hbal", "-t", path, limit=DESCENT)
            seconds = (seconds + cpu(lambda world=world: descent(world), runs)) / 2
            same_moves(world, theirs)
        else:
            theirs = None
        rows += beside(f"hbal, {count} nodes", seconds, theirs, least=least, most=most)
    exact, start = descent(world), arrays.state(world)
    state = start.copy()
    steps = len(balance.fast(world, state, Rules()))
    rows.append(figure("hbal --fast, 200 nodes", cpu(
        lambda: balance.fast(world, start.copy(), Rules()), 5), "s", most=0.1))
    rows.append(figure("its score, to the plain one's", state.score() / exact[1], most=1.05))
    rows.append(figure("its moves, to the plain one's", steps / exact[0], most=1.1))
    return rows + large()


def large() -> list[Row]:
    world = shapes.cluster(1000)
    start = arrays.state(world)
    return [
        figure("hbal --fast, 1,000 nodes", cpu(
            lambda: balance.fast(world, start.copy(), Rules(min_gain=0.0)), 1), "s", most=3),
        figure("its memory", grown(
            lambda: balance.fast(world, arrays.state(world), Rules(min_gain=0.0))), "MiB", most=64),
    ]


def searches() -> list[Row]:
    """Plans of 40 nodes, as ratios to greedy."""
    rows, same, more = [], [], []
    seconds = 0.0
    for shape in SHAPES:
        world = shapes.cluster(40, shape)
        many, score, gib = descent(world)
        start = time.process_time()
        plan = search.plan(world, Rules(), Effort())
        seconds = max(seconds, time.process_time() - start)
        longer = search.plan(world, Rules(), Effort(max_moves=int(1.2 * many)))
        spare = search.plan(world, Rules(), Effort(prefer="data"))
        assert len(plan.moves) <= many
        assert len(longer.moves) <= 1.2 * many
        assert spare.state.score() <= score + 1e-9
        same.append(plan.state.score() / score)
        more.append(longer.state.score() / score)
        tight = {"most": 0.35} if shape == "tight" else {}
        rows.append(figure(f"hbal --search, {shape}: score", same[-1], **tight,
                           note=f"{len(plan.moves)} moves, greedy {many}"))
        rows.append(figure(f"the same, {shape}, 1.2 times the moves", more[-1]))
        rows.append(figure(f"hbal --search --prefer data, {shape}: GiB", spare.gib / gib,
                           most=0.2 if shape in ("random", "tight") else 0.5,
                           note=f"{len(spare.moves)} moves"))
    rows.append(figure("hbal --search, 40 nodes: score, median", statistics.median(same),
                       most=0.88))
    rows.append(figure("with 1.2 times the moves, median", statistics.median(more), most=0.75))
    rows.append(figure("hbal --search, 40 nodes, at most", seconds, "s"))
    return rows


def numbers(world: World, score: float) -> str:
    """A cluster as ``optimum.c`` reads it."""
    lines = [f"{len(world.nodes)} {len(world.instances)} {score!r}"]
    for n in world.nodes:
        lines.append(f"{n.t_mem} {n.t_mem - n.n_mem} {n.t_dsk} {n.t_cpu} {n.n_cpu} "
                     f"{n.spindles * world.policy_of(n).spindle_ratio}")
    lines += [f"{i.mem} {i.dsk} {i.vcpus}" for i in sorted(world.instances, key=lambda i: -i.mem)]
    return "\n".join(lines)


def proven() -> list[Row]:
    """Small clusters against the optimum, where it can be proven in time."""
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "optimum")
        source = pathlib.Path(__file__).with_name("optimum.c")
        subprocess.run(["cc", "-O2", "-o", made, str(source), "-lm"], check=True)
        for seed in SMALL:
            world = shapes.cluster(4, "random", seed, 3)
            plan = search.plan(world, Rules(), Effort(prefer="score"))
            found = program(made, data=numbers(world, plan.state.score()))
            if found:
                ours.append(plan.state.score() / float(found[1]))
                plain.append(plan.greedy[2] / float(found[1]))
    if not ours:
        return []
    note = f"{len(ours)} of {len(SMALL)} proven"
    return [figure("4 nodes, 12 instances: to the optimum", statistics.median(ours), most=1.01,
                   note=note),
            figure("the same, greedy", statistics.median(plain))]


def message(world: World) -> str:
    """A request for one new instance, as iallocators get it."""
    sys.path.insert(0, str(figures.ROOT))
    from tests.htools.test_reference import new, request

    return json.dumps(request(world, new(1)))


def placing() -> list[Row]:
    rows = []
    for count, most in ((200, 0.001), (1000, 0.01)):
        ground = Ground(shapes.cluster(count), Options(), [NEW])
        nodes = ground.open_nodes(None)
        ground.search(NEW, nodes, True)
        rows.append(figure(f"place one, {count} nodes", cpu(
            lambda ground=ground, nodes=nodes: ground.search(NEW, nodes, True, False), 5),
            "s", most=most))
    world = shapes.cluster(200)
    rows.append(figure("place 100, 200 nodes", cpu(lambda: hundred(world)), "s", most=0.05))
    rows.append(figure("its memory", grown(lambda: hundred(world)), "MiB", most=64))
    with saved(message(world)) as path:
        ours, theirs = (program(word, path) for word in (
            os.path.join(os.path.dirname(sys.executable), "hail"), HAIL))
    if ours and theirs:
        rows.append(figure("hail, 200 nodes, to the reference's", ours[0] / theirs[0], most=0.2,
                           note=f"{theirs[0]:.2f} s"))
    return rows


def hundred(world: World) -> None:
    ground = Ground(world, Options(), [NEW])
    nodes = ground.open_nodes(None)
    for k in range(100):
        place = ground.search(NEW, nodes, True, False)
        assert place
        ground.put(NEW, place[:2], f"new{k}")


def planning() -> list[Row]:
    world = shapes.cluster(80)
    with saved(text.write(world)) as path:
        rows = beside("hspace, standard and tiered, 80 nodes", cpu(lambda: fill(world)),
                      program("hspace", "-t", path), most=0.1)
    world = shapes.cluster(40, "shared")
    with saved(text.write(world)) as path:
        rows += beside("hsqueeze, 40 nodes", cpu(lambda: squeeze.to_switch_off(
            world, squeeze.spare(world, 2.0))), program("hsqueeze", "-t", path), most=1)
    world = shapes.cluster(200)
    with saved(text.write(world)) as path:
        theirs = program("hroller", "-t", path, "--no-headers")
    rows += beside("hroller, 200 nodes", cpu(lambda: groups(world)), theirs, most=0.1)
    if theirs:
        rows.append(figure("its groups, to the reference's",
                           groups(world) / len(theirs[1].splitlines()), most=0.99,
                           note=f"{groups(world)}"))
    return rows


def fill(world: World) -> None:
    std, high = world.policy.std, world.policy.minmax[0][1]
    fill_one, fill_many = (capacity.filler(world, Options(), None, "drbd", 1) for _ in range(2))
    capacity.standard(fill_one, shape(std), None)
    capacity.tiered(fill_many, [shape(high)], None)


def shape(spec: Spec) -> Shape:
    return Shape(mem=spec.memory, dsk=spec.disk_size, cpu=spec.cpus, spn=spec.spindle_use)


def groups(world: World) -> int:
    nodes = list(range(len(world.nodes)))
    made = reboot.colourings(reboot.graph(world, nodes, False))
    best = min((g for _, g in made), key=len)
    return len(reboot.plan(world, arrays.state(world), nodes, best, False, False))


PARTS = {"greedy": greedy, "searches": searches, "proven": proven, "placing": placing,
         "planning": planning}


def bench() -> list[Row]:
    only = sys.argv[sys.argv.index("--only") + 1].split(",") if "--only" in sys.argv else PARTS
    return [row for name in only for row in PARTS[name]()]


if __name__ == "__main__":
    sys.exit(figures.run(bench))
