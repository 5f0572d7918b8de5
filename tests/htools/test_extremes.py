"""Numbers at the edge: whatever the loaders accept, the native code survives."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gnt.htools import arrays, balance, reboot, report, search, squeeze, text
from gnt.htools.allocate import Ground, Options
from gnt.htools.balance import Rules
from gnt.htools.search import Effort
from gnt.htools.world import BadData, Disk, Instance
from gnt.htools_ext.evacuate import evacuable
from tests.htools import clusters
from tests.htools.reference import ours, saved

EDGES = ("0", "1", "-1", "?", "2147483647", "2147483648", "-2147483648", "4294967296", "1e9",
         "9007199254740993", "9223372036854775807", "1e308", "1e-308", "-0", "0.0", "nan", "inf")
NEW = Instance(name="new", mem=512, dsk=1024, vcpus=1, status="running", pri=-1,
               disks=(Disk(size=1024, spindles=1),))


def bent(seed: int, many: int) -> str:
    """A cluster's text with some numbers replaced by those at the edge."""
    rng = random.Random(seed)
    world = clusters.make(seed % 50, nodes=rng.randint(1, 5), per_node=3, odd=0.3,
                          tags=seed % 3 == 0, shared=0.3, exclusive=seed % 5 == 0)
    lines = text.write(world).split("\n")
    for _ in range(many):
        at = rng.randrange(len(lines))
        fields = lines[at].split("|")
        numbers = [k for k, f in enumerate(fields) if f[:1].isdigit()]
        if numbers:
            k = rng.choice(numbers)
            parts = fields[k].replace(";", ",").split(",")
            old = rng.choice(parts)
            fields[k] = fields[k].replace(old, rng.choice(EDGES), 1)
            lines[at] = "|".join(fields)
    return "\n".join(lines)


@given(st.integers(0, 10**6), st.integers(1, 4))
@example(86400, 2)  # a node whose part in use has no square
@settings(max_examples=200, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])
def test_what_is_accepted_is_computed(seed, many):
    try:
        world = text.parse(bent(seed, many))
        state = arrays.state(world)
    except BadData as error:
        assert error.message.startswith(("data", "instance "))
        return
    state.score()
    for work in (balance.exact, balance.fast):
        used = state.copy()
        places = [p for move in work(world, used, Rules(limit=5)) for p in move.after]
        assert all(-1 <= p < len(world.nodes) for p in places)
    plan = search.plan(world, Rules(), Effort(tries=2000, prefer="score"))
    assert len(plan.state.places()) == len(world.instances)
    report.html(world, plan.state, plan.moves, 0.0)
    evacuable(state, [[-1] * len(world.instances)] * len(world.nodes))
    nodes = list(range(len(world.nodes)))
    reboot.colourings(reboot.graph(world, nodes, False))
    for pairs in (True, False):
        ground = Ground(world, Options(), [NEW])
        place = ground.search(NEW, ground.open_nodes(None), pairs)
        if place:
            ground.put(NEW, place[:2])
    squeeze.to_switch_off(world, squeeze.spare(world, 1.0))


@pytest.mark.parametrize("mem", [2**31, 2**33, 2**53, -(2**31)])
def test_more_memory_than_can_be_counted_is_refused(mem, tmp_path):
    world = clusters.make(1, nodes=3, per_node=2)
    vast = world.instances[0].replace(mem=mem)
    world = world.replace(instances=(vast, *world.instances[1:]))
    with pytest.raises(BadData, match="inst001"):
        arrays.state(world)
    with pytest.raises(BadData, match="inst001"):
        Ground(world, Options())
    done = ours("hinfo", "-t", saved(world, tmp_path / "c.data"))
    assert done.code == 1
    assert "inst001" in done.err
    assert "brings all instances" in done.err.splitlines()[-2]


def test_a_new_instance_too_large_to_count_is_refused():
    ground = Ground(clusters.make(1, nodes=3, per_node=2), Options())
    with pytest.raises(BadData, match="new"):
        ground.search(NEW.replace(mem=2**40), [0, 1, 2], True)
