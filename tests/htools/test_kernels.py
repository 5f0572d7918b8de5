"""The kernels against the oracle, and against themselves."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnt.htools import arrays, balance, moves, reboot
from gnt.htools.balance import Rules
from gnt.htools_ext.balance import Balance
from gnt.htools_ext.colour import Colouring
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
    fresh = arrays.state(clusters.refreshed(world.placed(state.places())))
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


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 100))
@quick
def test_searched_colours_are_valid_and_not_more(seed, size, density):
    rng = random.Random(seed)
    g = {v: [] for v in range(3, 3 + size)}
    for a in g:
        for b in g:
            if a < b and rng.randrange(100) < density:
                g[a].append(b)
                g[b].append(a)
    usual, found = reboot.colourings(g, search=False), reboot.colourings(g)
    assert found[:3] == usual
    for _, groups in found:
        assert sorted(v for members in groups for v in members) == sorted(g)
        assert not any(b in members for members in groups for a in members for b in g[a])
    for name, groups in found[3:]:
        assert name == "Tabu"
        assert len(groups) < min(len(other) for _, other in usual)
    assert reboot.colourings(g) == found


def test_the_search_finds_fewer_colours_than_the_usual_methods():
    rng = random.Random(5)
    better = 0
    for _ in range(10):
        g = {v: [] for v in range(60)}
        for a, b in ((a, b) for a in g for b in g if a < b and rng.random() < 0.5):
            g[a].append(b)
            g[b].append(a)
        better += len(reboot.colourings(g)) == 4
    assert better >= 8


def test_bad_colourings_are_refused():
    for edges, colours in ((b"\0", [0, 0]), (b"\0" * 4, [0, 2]), (b"\0" * 4, [0, -1]), (b"", [0])):
        with pytest.raises(ValueError, match="a colouring needs"):
            Colouring(2, edges, colours)
    assert Colouring(0, b"", []).run(10) == []
