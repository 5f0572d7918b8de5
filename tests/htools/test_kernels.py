"""The kernels against the oracle, and against themselves."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnt.htools import arrays, balance, moves
from gnt.htools.balance import Rules
from gnt.htools_ext.balance import Balance
from gnt.htools_ext.lazy import Descent
from tests.htools import clusters, oracle

worlds = st.builds(
    clusters.make, st.integers(0, 10**6), nodes=st.integers(2, 6), per_node=st.integers(1, 5),
    odd=st.sampled_from((0.0, 0.5)), tags=st.booleans(), exclusive=st.booleans(),
    offline=st.sampled_from((0, 0, 1)), shared=st.sampled_from((0.0, 0.4)), equal=st.booleans(),
)
healthy = st.builds(
    clusters.make, st.integers(0, 10**6), nodes=st.integers(3, 6), per_node=st.integers(1, 5),
    equal=st.booleans(),
)
quick = settings(max_examples=25, deadline=None, derandomize=True,
                 suppress_health_check=[HealthCheck.too_slow])


@given(worlds)
@quick
def test_the_score_is_the_oracles(world):
    state = arrays.state(world)
    assert state.parts() == pytest.approx(oracle.components(world), abs=1e-9)
    assert state.score() == pytest.approx(oracle.score(world), abs=1e-9)


@given(worlds)
@quick
def test_vector_loops_choose_what_one_by_one_evaluation_chooses(world):
    fast, slow = arrays.state(world), arrays.state(world)
    loops, single = Balance(fast), Balance(slow, loops=False)
    for _ in range(12):
        step = loops.step()
        assert step == single.step()
        if step is None:
            break
    assert fast.places() == slow.places()


@given(healthy)
@quick
def test_balancing_never_worsens_and_every_step_keeps_the_rules(world):
    before = oracle.broken(world)
    state = arrays.state(world)
    score = state.score()
    for move in balance.exact(world, state, Rules()):
        assert move.score < score
        score = move.score
        now = world.placed(state.places())
        assert set(oracle.broken(now)) <= set(before)
        assert move.after == oracle.after(move.kind, move.target, *move.before)
    assert state.score() == score


@given(healthy)
@quick
def test_the_score_after_moves_is_that_of_a_fresh_start(world):
    state = arrays.state(world)
    for _ in balance.exact(world, state, Rules()):
        pass
    fresh = arrays.state(refreshed(world.placed(state.places())))
    assert fresh.parts() == pytest.approx(state.parts(), abs=1e-9)


@given(healthy)
@quick
def test_the_fast_descent_ends_where_no_single_move_helps(world):
    state = arrays.state(world)
    start = state.score()
    steps = Descent(state).run(min_gain=0.0)
    assert [s for *_, s in steps] == sorted((s for *_, s in steps), reverse=True)
    assert state.score() <= start
    assert set(oracle.broken(world.placed(state.places()))) <= set(oracle.broken(world))
    rest = Balance(state).step(min_gain=1e-6)
    assert rest is None or state.score() - rest[3] < 1e-6


@given(worlds, st.integers(0, 5), st.integers(0, 29), st.integers(0, 5))
@quick
def test_a_refused_move_changes_nothing(world, kind, inst, target):
    state = arrays.state(world)
    inst, target = inst % len(world.instances), target % len(world.nodes)
    pri, sec = state.place_of(inst)
    mirrored = world.instances[inst].mirrored
    if target in (pri, sec) or mirrored == (kind == moves.FA):
        return
    before = [state.node(k) for k in range(len(world.nodes))], state.places(), state.parts()
    if state.move(inst, kind, target if kind != moves.F else -1) >= 0:
        assert ([state.node(k) for k in range(len(world.nodes))], state.places(),
                state.parts()) == before
    else:
        assert state.place_of(inst) == oracle.after(kind, target, pri, sec)


def refreshed(world):
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
