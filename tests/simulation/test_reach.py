"""Do the seeds reach what they are for?  Every kind of accident befalls somebody in some seed."""

from __future__ import annotations

import collections

import pytest

from tests.simulation import plans, scenario

WANTED = {
    "kill", "crash", "blackout", "behead", "orphan", "step failed",
    "unsent", "unheard", "twice", "delayed", "cut off", "cut to", "cut from", "cut both ways",
    "write ENOSPC", "write EDQUOT", "write EIO", "fsync EIO", "rename EIO", "rename ENOSPC",
    "read EIO", "truncate EIO", "short write", "torn write", "unsynced write lost",
    "unsynced name lost", "ten years", "an hour", "restored", "strayed", "outage", "a copy failed",
}
SIZES = 1000  # seeds whose sizes are looked at
MOST = 250  # seeds that are run, if that many are needed


def test_sizes_and_faults_are_those_that_are_promised():
    drawn = [plans.Plan(seed) for seed in range(SIZES)]
    assert {plan.count for plan in drawn} == set(range(3, 10))
    assert {len(plan.machines) for plan in drawn} == set(range(2, 9))
    assert {machine[0] for plan in drawn for machine in plan.machines} == {"m", "n"}
    kinds = collections.Counter(kind for plan in drawn for _, kind, _ in plan.faults)
    assert min(kinds.values()) > SIZES / 20
    assert {abs(words[1]) for plan in drawn for _, kind, words in plan.faults
            if kind == "clock"} == {plans.YEARS, 3600.0}


@pytest.mark.slow
def test_every_kind_of_accident_befalls_somebody():
    met = collections.Counter()
    for seed in range(MOST):
        met.update(scenario.run(seed).happened)
        if {kind for kind, often in met.items() if often} >= WANTED:
            break
    assert {kind for kind in WANTED if not met[kind]} == set()
