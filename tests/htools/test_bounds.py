"""Nothing that Python passes to the native code reaches outside its arrays."""

from __future__ import annotations

import pytest

from gnt.htools import arrays
from gnt.htools.world import part
from gnt.htools_ext.balance import Balance
from gnt.htools_ext.evacuate import evacuable
from gnt.htools_ext.state import State
from tests.htools import clusters

WORLD = clusters.make(1, nodes=4, per_node=3)


@pytest.mark.parametrize(("inst", "kind", "target"), [
    (-1, 0, -1), (999, 0, -1), (0, 6, 1), (0, 1, 4), (0, 1, -1), (0, 0, 2), (0, -1, 1),
])
def test_moves_out_of_range_are_refused(inst, kind, target):
    state = arrays.state(WORLD)
    with pytest.raises(IndexError):
        state.move(inst, kind, target)


@pytest.mark.parametrize(("pri", "sec"), [(4, 0), (-1, 0), (0, 0), (0, 9), (0, -2)])
def test_instances_on_nodes_that_are_not_there_are_refused(pri, sec):
    rows = arrays.Rows(WORLD)
    row = list(rows.row(WORLD.instances[0]))
    row[12], row[13] = pri, sec
    with pytest.raises(IndexError):
        State([arrays.node_row(WORLD, n) for n in WORLD.nodes], [tuple(row)])


def test_a_mirrored_instance_without_secondary_stays_where_it_is():
    lonely = WORLD.instances[0].replace(sec=-1)
    world = WORLD.replace(instances=(lonely, *WORLD.instances[1:]))
    state = arrays.state(world)
    for kind in range(6):
        assert state.move(0, kind, -1 if kind == 0 else 3 if lonely.pri != 3 else 2) >= 0
    balance = Balance(state)
    while (step := balance.step()) is not None:
        assert step[0] != 0
    assert len(evacuable(state, [[-1] * len(world.instances)] * 4)) == 4


def test_instances_across_groups_do_not_move():
    world = clusters.make(2, nodes=6, per_node=3, groups=2)
    other = next(k for k, n in enumerate(world.nodes) if n.group != world.nodes[0].group)
    split = world.instances[0].replace(pri=0, sec=other)
    world = world.replace(instances=(split, *world.instances[1:]))
    cut = part(world, world.nodes[0].group)
    at = cut.instances.index(0)
    assert not cut.world.instances[at].movable
    balance = Balance(arrays.state(cut.world))
    while (step := balance.step()) is not None:
        assert step[0] != at
