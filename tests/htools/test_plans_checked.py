"""Searched plans of every kind of cluster, each step checked by ``checker`` alone."""

from __future__ import annotations

import resource

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnt.htools import arrays, search
from gnt.htools.balance import Rules
from gnt.htools.search import Effort
from gnt.htools.world import Policy, part
from tests.bench import shapes
from tests.htools import checker, clusters
from tests.htools.reference import ours, saved

TRIES = 40_000
PREFER = ("moves", "data", "score")


def narrow(world, vcpus=1.0, spindles=4.0):
    """The same under a policy that nearly everything is close to."""
    policy = Policy(vcpu_ratio=vcpus, spindle_ratio=spindles)
    return world.replace(policy=policy,
                         groups=tuple(g.replace(policy=policy) for g in world.groups))


WORLDS = {
    "plain": clusters.make(21, nodes=7, per_node=6),
    "tags": clusters.make(22, nodes=7, per_node=6, tags=True),
    "spindles": clusters.make(23, nodes=6, per_node=5, exclusive=True),
    "shared": clusters.make(24, nodes=6, per_node=6, shared=0.6),
    "offline": clusters.make(25, nodes=7, per_node=5, offline=1),
    "odd": clusters.make(26, nodes=7, per_node=6, odd=0.4, shared=0.2),
    "everything": clusters.make(27, nodes=8, per_node=5, odd=0.3, tags=True, shared=0.3, offline=1),
    "one group of two": part(clusters.make(28, nodes=12, per_node=5, groups=2, tags=True), 1).world,
    "narrow": narrow(clusters.make(29, nodes=6, per_node=6)),
    "disks kept free": clusters.make(30, nodes=6, per_node=6).replace(nodes=tuple(
        n.replace(min_disk=0.9) for n in clusters.make(30, nodes=6, per_node=6).nodes)),
    "equal nodes": clusters.make(31, nodes=6, per_node=6, equal=True),
    "tight": shapes.cluster(8, "tight"), "new nodes": shapes.cluster(10, "newnodes"),
    "hot": shapes.cluster(8, "hot"), "half full": shapes.cluster(6, "random", 3, 12),
}


@pytest.mark.parametrize("prefer", PREFER)
@pytest.mark.parametrize("name", WORLDS)
def test_every_step_of_a_plan_keeps_everything(name, prefer):
    world = WORLDS[name]
    found = search.plan(world, Rules(), Effort(tries=TRIES, prefer=prefer))
    places, gib = checker.check(world, found.moves)
    assert places == found.state.places()
    assert gib == pytest.approx(found.gib)
    many, most, score = found.greedy
    if prefer == "moves":
        assert len(found.moves) <= many
    if prefer != "data":
        assert found.state.score() <= score + 1e-9
    elif found.moves:
        assert found.gib <= most + 1e-9
    plain = search.greedy(world, Rules())
    assert checker.check(world, plain.moves)[0] == plain.state.places()
    again = search.plan(world, Rules(), Effort(tries=TRIES, prefer=prefer))
    assert again.moves == found.moves  # by seed, never by the clock


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])
def test_plans_of_any_cluster_under_any_caps(seed):
    world = clusters.make(seed, nodes=3 + seed % 5, per_node=4, odd=seed % 3 * 0.2,
                          tags=seed % 2 == 0, exclusive=seed % 7 == 0, shared=seed % 4 * 0.2)
    effort = Effort(tries=8000, prefer=PREFER[seed % 3], seed=1 + seed % 5,
                    max_gib=(1e18, 0.0, 40.0, 200.0)[seed % 4],
                    max_moves=(-1, 0, 3, 12)[seed // 4 % 4])
    rules = Rules(disk_moves=seed % 5 != 1, inst_moves=seed % 5 != 2, restricted=seed % 5 == 3)
    found = search.plan(world, rules, effort)
    places, gib = checker.check(world, found.moves)
    assert places == found.state.places()
    assert gib <= effort.max_gib
    assert effort.max_moves < 0 or len(found.moves) <= effort.max_moves
    assert found.state.score() <= arrays.state(world).score() + 1e-9
    kinds = {move.kind for move in found.moves}
    assert rules.disk_moves or not any(move.copies for move in found.moves)
    assert rules.inst_moves or kinds <= {checker.R}


def test_the_budget_of_time_is_kept():
    """By processor time: the search is one thread."""
    world = shapes.cluster(20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    found = search.plan(world, Rules(), Effort(tries=10**14, seconds=0.1))
    checker.check(world, found.moves)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 10  # not 10**14 tries


def test_the_checker_finds_what_is_wrong():
    """Each rule, by a plan that breaks it."""
    world = WORLDS["tags"]
    plan = search.plan(world, Rules(), Effort(tries=TRIES, prefer="score"))
    assert len(plan.moves) > 5
    broken = {
        "order": tuple(reversed(plan.moves)), "twice": (*plan.moves, plan.moves[-1]),
        "elsewhere": tuple(m.replace(target=(m.target + 1) % 7) for m in plan.moves),
    }
    for what, moves in broken.items():
        with pytest.raises(AssertionError):
            checker.check(world, moves)
            raise ValueError(what)
    tight = {
        "vCPUs": narrow(world, 0.01, 1e6), "spindles": narrow(world, 1e6, 0.01),
        "disk": world.replace(nodes=tuple(n.replace(min_disk=1.0) for n in world.nodes)),
        r"N\+1": world.replace(nodes=tuple(n.replace(f_mem=6000) for n in world.nodes)),
        "migration tags": world.replace(nodes=tuple(
            n.replace(tags=(f"hv:{k}",)) for k, n in enumerate(world.nodes))),
        "offline": world.replace(nodes=tuple(n.replace(offline=True) for n in world.nodes)),
        "groups": world.replace(groups=world.groups * 7, nodes=tuple(
            n.replace(group=k) for k, n in enumerate(world.nodes))),
        "tags": world.replace(instances=tuple(i.replace(tags=("service:1",))
                                              for i in world.instances)),
    }
    for what, other in tight.items():
        with pytest.raises(AssertionError, match=what):
            checker.check(other, plan.moves)


def test_hbal_shows_the_trade_off(tmp_path):
    path = saved(WORLDS["new nodes"], tmp_path / "c.data")
    told = {}
    for prefer in PREFER:
        done = ours("hbal", "-t", path, "--search", f"--search-tries={TRIES}", f"--prefer={prefer}")
        (line,) = [x for x in done.out.splitlines() if x.startswith("Plan of")]
        words = line.split()
        told[prefer] = int(words[2]), int(words[4])
        assert f"(--prefer {prefer}); single moves:" in line
        improved = next(x for x in done.out.splitlines() if "improved from" in x)
        assert float(improved.split()[-1]) < float(improved.split()[-3])
    assert told["data"][1] < told["moves"][1]  # GiB
    assert told["moves"][0] <= told["data"][0]
