"""kill -9 before, during and after every step and every commit; then of the recovery, too."""

from __future__ import annotations

import random

import pytest

from tests.crash.harness import Scene
from tests.engine.toys import Build, cluster_data

HOSTS = ("node1", "node2", "node3")
CASES = {"attempt": Build(name="web"), "settle": Build(name="web", settle=True)}
VERBS = ("resume", "undo")
FOREVER = 10**6


class Planless(Build, command="toy planless"):
    def facts(self, cfg):
        return ()


def scene(settle):
    return Scene(cluster_data(), HOSTS, Planless(name="web", settle=settle))


def points(settle):
    """How many points a whole run has."""
    at = 0
    while scene(settle).start(at):
        at += 1
    return at


@pytest.mark.parametrize("settle", [False, True])
def test_a_run_that_nobody_kills_ends(settle):
    one = scene(settle)
    assert not one.start(FOREVER)
    one.check()
    assert points(settle) > 20


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("settle", [False, True])
def test_one_kill_anywhere_is_repaired_by_one_command(settle, verb):
    for at in range(points(settle)):
        one = scene(settle)
        assert one.start(at)
        assert not one.repair(verb, FOREVER)
        one.check()


@pytest.mark.slow
@pytest.mark.parametrize("first", VERBS)
@pytest.mark.parametrize("second", VERBS)
@pytest.mark.parametrize("settle", [False, True])
def test_the_recovery_may_be_killed_anywhere_too(settle, first, second):
    for at in range(points(settle)):
        then = 0
        while True:
            one = scene(settle)
            one.start(at)
            killed = one.repair(first, then)
            one.repair(second, FOREVER)
            one.check()
            if not killed:
                break
            then += 1


@pytest.mark.slow
def test_and_the_recovery_of_the_recovery():
    chance = random.Random(20)
    most = points(True)
    for _ in range(1500):
        one = scene(chance.random() < 0.5)
        one.start(chance.randrange(most))
        for _ in range(3):
            one.repair(chance.choice(VERBS), chance.randrange(most))
        one.repair(chance.choice(VERBS), FOREVER)
        one.check()
