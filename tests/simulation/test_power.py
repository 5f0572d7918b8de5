"""The power of a candidate fails at every call of its disk during a commit."""

from __future__ import annotations

import itertools

import pytest

from tests.simulation import power


@pytest.mark.slow
@pytest.mark.parametrize("failover", [False, True], ids=["returns", "replaced"])
@pytest.mark.parametrize("victim", [power.MASTER, power.CANDIDATE])
def test_what_was_acknowledged_survives_the_power_of_one(victim, failover):
    """``seed`` decides what of the unsynced writes is there afterwards."""
    for number in itertools.count():
        failed = [False]
        for seed in range(4):
            problems, fell = power.run(victim, number, failover=failover, seed=seed)
            assert not problems, (number, seed, problems)
            failed.append(fell)
        if not any(failed):
            break
    assert number > 8  # calls of the disk that one commit makes
