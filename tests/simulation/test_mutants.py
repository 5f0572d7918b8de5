"""Would the checker notice?  Each broken variant of the product is caught by some short hunt."""

from __future__ import annotations

import itertools

import pytest

from tests.simulation import cuts, mutants, power, scenario

NAMES = ("n1", "n2", "n3", "n4", "n5")


def by_seeds(parts):
    """Problems of the seeds as they are."""
    for seed in range(60):
        yield scenario.run(seed, parts).problems


def by_accidents(accident):
    """Problems when one accident happens at every message in turn."""
    def hunt(parts):
        for number, seed in itertools.product(range(21, 140, 2), range(6)):
            yield scenario.run(seed, parts, [(number, *accident)]).problems
    return hunt


def by_cuts(parts):
    """Problems when three of five candidates are cut off during a commit."""
    for number, nodes in itertools.product(cuts.MESSAGES, itertools.combinations(NAMES, 3)):
        yield cuts.run(number, nodes, ("to",), parts)[0]


def by_power(parts):
    """Problems when the master's power fails at each call of its disk during a commit."""
    for number, seed in itertools.product(range(80), range(3)):
        yield power.run(power.MASTER, number, failover=False, seed=seed, parts=parts)[0]


HUNTS = [
    (mutants.NoMajority, by_cuts, "is lost"),
    (mutants.CommittedOnly, by_cuts, "is lost"),
    (mutants.NoSync, by_seeds, "disks have it"),
    (mutants.NoDirectorySync, by_seeds, "disks have it"),
    (mutants.HeadFirst, by_power, ""),
    (mutants.TermNotRaised, by_seeds, "after term"),
    (mutants.TurnNotRaised, by_seeds, "turn"),
    (mutants.NoLock, by_seeds, ""),
    (mutants.TasksOfAnyTerm, by_seeds, "did a task of term"),
    (mutants.FenceNotAwaited, by_accidents(("orphan", ("undo", 30.0))), "nobody owns"),
    (mutants.NothingUndone, by_seeds, "nobody owns"),
    (mutants.Forgetful, by_accidents(("rough", (NAMES, 0.3, 5.0))), "twice"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "hunt", "told"), HUNTS,
                         ids=[parts.__name__ for parts, _, _ in HUNTS])
def test_a_broken_variant_is_noticed(parts, hunt, told):
    assert any(told in problem for problems in hunt(parts) for problem in problems)
