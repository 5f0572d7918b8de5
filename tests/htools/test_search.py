"""Searched plans: what they promise, against greedy, brute force and the rules."""

from __future__ import annotations

import itertools

import pytest

from gnt.htools import arrays, balance, search
from gnt.htools.balance import Rules
from gnt.htools.moves import F, R
from gnt.htools.order import order
from gnt.htools.search import Effort
from gnt.htools.world import Disk, Group, Instance, Node, Policy, World
from tests.htools import clusters, oracle

WORLD = clusters.make(8, nodes=8, per_node=8)
TRIES = 100_000


def greedy(world):
    state = arrays.state(world)
    moves = list(balance.exact(world, state, Rules()))
    return state.score(), len(moves), search.copied(world, moves)


def check_steps(world, found):
    """Every move is possible where it comes, and keeps what was kept."""
    state, before = arrays.state(world), set(oracle.broken(world))
    for move in found.moves:
        assert state.place_of(move.inst) == move.before
        assert state.move(move.inst, move.kind, move.target) == -1
        assert state.place_of(move.inst) == move.after
        assert state.score() == pytest.approx(move.score)
        assert set(oracle.broken(world.placed(state.places()))) <= before
    assert state.places() == found.state.places()


@pytest.mark.parametrize("seed", range(3))
def test_with_no_more_moves_than_greedy_the_score_is_better(seed):
    world = clusters.make(seed, nodes=8, per_node=8)
    score, many, gib = greedy(world)
    found = search.plan(world, Rules(), Effort(tries=TRIES))
    assert len(found.moves) <= many
    assert found.state.score() < score
    assert found.greedy == (many, gib, score)
    check_steps(world, found)


@pytest.mark.parametrize("seed", range(3))
def test_greedys_score_is_reached_with_less_data(seed):
    world = clusters.make(seed, nodes=8, per_node=8)
    score, _, gib = greedy(world)
    found = search.plan(world, Rules(), Effort(tries=TRIES, prefer="data"))
    assert found.state.score() <= score + 1e-9
    assert found.gib < gib / 2
    check_steps(world, found)


def test_caps_hold():
    full = search.plan(WORLD, Rules(), Effort(tries=TRIES, prefer="score"))
    for effort in (Effort(tries=TRIES, max_moves=5), Effort(tries=TRIES, max_moves=0),
                   Effort(tries=TRIES, prefer="score", max_gib=full.gib / 3),
                   Effort(tries=TRIES, prefer="data", max_gib=1.0, max_moves=9)):
        found = search.plan(WORLD, Rules(), effort)
        assert found.fits(effort)
        assert found.state.score() <= arrays.state(WORLD).score()
        check_steps(WORLD, found)


def test_another_seed_may_differ_and_the_same_does_not():
    plans = [search.plan(WORLD, Rules(), Effort(tries=TRIES, seed=s)).moves for s in (1, 1, 2, 3)]
    assert plans[0] == plans[1]
    assert len(set(plans)) > 1


def test_a_search_that_runs_out_of_time_still_gives_a_plan():
    found = search.plan(WORLD, Rules(), Effort(tries=10**12, seconds=0.05))
    assert found.state.score() <= greedy(WORLD)[0]
    check_steps(WORLD, found)


@pytest.mark.parametrize(("rules", "kinds"), [
    (Rules(disk_moves=False), {F}), (Rules(inst_moves=False), {R}),
    (Rules(restricted=True), {F, R}),
])
def test_rules_hold(rules, kinds):
    found = search.plan(WORLD, rules, Effort(tries=TRIES, prefer="score"))
    assert {m.kind for m in found.moves} <= kinds
    assert found.moves
    check_steps(WORLD, found)


def test_what_may_not_move_does_not():
    pinned = WORLD.replace(instances=tuple(
        i.replace(movable=k % 2 == 0) for k, i in enumerate(WORLD.instances)))
    found = search.plan(pinned, Rules(), Effort(tries=TRIES))
    assert found.moves
    assert all(m.inst % 2 == 0 for m in found.moves)


@pytest.mark.parametrize("shape", [
    {"tags": True}, {"shared": 1.0}, {"shared": 0.4, "odd": 0.3}, {"exclusive": True},
    {"offline": 1}, {"odd": 0.5, "offline": 1, "tags": True},
], ids=str)
def test_every_kind_of_cluster(shape):
    world = clusters.make(4, nodes=6, per_node=5, **shape)
    found = search.plan(world, Rules(), Effort(tries=20_000, prefer="score"))
    state = arrays.state(world)
    for move in found.moves:
        assert state.move(move.inst, move.kind, move.target) == -1
    assert state.score() == pytest.approx(found.state.score())
    assert state.score() <= greedy(world)[0]


def optimum(world):
    """The least score of all placements that keep N+1, by trying them all."""
    state, best = arrays.state(world), 1e300
    nodes = range(len(world.nodes))
    places = list(itertools.permutations(nodes, 2))
    for goal in itertools.product(places, repeat=len(world.instances)):
        if all(state.force_place(i, *p) for i, p in enumerate(goal)) and not state.failing():
            best = min(best, state.score())
    return best


@pytest.mark.parametrize("seed", range(4))
def test_small_clusters_reach_the_optimum(seed):
    world = clusters.make(seed, nodes=3, per_node=2)
    world = world.replace(instances=world.instances[:5])
    world = clusters.refreshed(world)
    best = optimum(world)
    found = search.plan(world, Rules(), Effort(prefer="score", tries=TRIES))
    assert found.state.score() >= best - 1e-9
    assert found.state.score() <= best * 1.01


def full(count, mem, sizes):
    """Nodes of ``mem`` GiB with instances (GiB, primary, secondary)."""
    instances = tuple(Instance(
        name=f"i{k}", mem=size * 1024, dsk=10240, vcpus=1, status="running", pri=p, sec=s,
        disks=(Disk(size=10240),)) for k, (size, p, s) in enumerate(sizes))
    nodes = tuple(Node(
        name=f"n{k}", group=0, t_mem=mem * 1024.0, f_mem=mem * 1024, t_dsk=1e6, f_dsk=10**6,
        t_cpu=32.0, spindles=10) for k in range(count))
    world = World(groups=(Group(name="g", uuid="u", policy=Policy()),), nodes=nodes,
                  instances=instances)
    return clusters.refreshed(world)


def test_two_that_wait_for_each_other_make_a_detour():
    # both nodes are so full that neither takes the other's instance before its own has left
    world = full(5, 10, [(6, 0, 2), (6, 1, 3)])
    goals = [(1, 2), (0, 3)]
    stays = order(world, goals, detours=0)
    assert stays.stuck == 2
    assert stays.moves == ()
    done = order(world, goals)
    assert done.stuck == 0
    assert done.state.places() == goals
    assert len(done.moves) == 3
    state = arrays.state(world)
    for move in done.moves:
        assert state.move(move.inst, move.kind, move.target) == -1
        assert not state.failing()
