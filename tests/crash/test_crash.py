"""kill -9 before, during and after every step and every commit; then of the recovery, too."""

from __future__ import annotations

import pytest

from tests.crash import states
from tests.crash.harness import Scene
from tests.crash.states import FOREVER, VERBS
from tests.engine.toys import Build, cluster_data

HOSTS = ("node1", "node2", "node3")


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
@pytest.mark.parametrize("settle", [False, True])
def test_every_recovery_may_be_killed_anywhere_too(settle):
    """No state is left out: more kills in a row than these leave nothing new behind."""
    deep = states.check_all(scene(settle), 5)
    assert deep == states.check_all(scene(settle), 6) > points(settle) / 3
