"""Every golden plan of every operation: killed anywhere, repaired by one command.

New operations are covered as soon as they have a golden plan.
"""

from __future__ import annotations

import random

import pytest

from gnt.cli import find, general
from gnt.cli.parser import parse
from gnt.errors import GntError
from gnt.spec import Operation
from tests.commands.test_plans import PLANS, read, scene
from tests.crash.harness import Fixed, Scene

FOREVER = 10**6
TRIES = 25  # random triples of kills per plan


def planned(path):
    """(configuration, plan) of a golden file; None for those that show a refusal."""
    head, words, _ = read(path)
    cfg, nodes = scene(head)
    cls, rest = find.command([words[0].removeprefix("gnt-"), *words[1:]])
    if not issubclass(cls, Operation):
        return None
    operation = parse(cls, rest, general.groups(cls)).command
    try:
        return cfg, operation.plan(cfg, nodes.seen(operation.facts(cfg)))
    except GntError:
        return None


CASES = [pytest.param(*found, id=path.stem) for path in PLANS if (found := planned(path))]


def staged(cfg, plan):
    return Scene(cfg.state.data, [node.name for node in cfg.nodes], Fixed(made=plan))


def test_there_are_golden_plans():
    assert len(CASES) >= 10


@pytest.mark.parametrize(("cfg", "plan"), CASES)
@pytest.mark.parametrize("verb", ["resume", "undo"])
def test_one_kill_anywhere_is_repaired_by_one_command(cfg, plan, verb):
    at, killed = 0, True
    while killed:
        one = staged(cfg, plan)
        killed = one.start(at)
        one.repair(verb, FOREVER)
        one.check()
        at += 1
    assert at > 2


@pytest.mark.slow
@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_recoveries_may_be_killed_too(cfg, plan):
    chance = random.Random(7)
    most = 12 * len(plan.steps) + 12
    for _ in range(TRIES):
        one = staged(cfg, plan)
        one.start(chance.randrange(most))
        for _ in range(2):
            one.repair(chance.choice(["resume", "undo"]), chance.randrange(most))
        one.repair(chance.choice(["resume", "undo"]), FOREVER)
        one.check()
