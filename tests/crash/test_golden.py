"""Every golden plan of every operation: killed anywhere, three times, repaired by one command.

New operations are covered as soon as they have a golden plan.
"""

from __future__ import annotations

import pytest

from gnt.cli import find, general
from gnt.cli.parser import parse
from gnt.errors import GntError
from gnt.spec import Operation
from tests.commands.test_plans import PLANS, read, scene
from tests.crash import states
from tests.crash.harness import Fixed, Scene


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
    assert len(CASES) >= 50
    assert any(len(case.values[1].steps) > 4 for case in CASES)


@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_one_kill_anywhere_is_repaired_by_one_command(cfg, plan):
    assert states.check_all(staged(cfg, plan), 1) >= 2


@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_a_call_that_fails_in_the_repair_leaves_nothing(cfg, plan):
    """What the dead driver did beyond the step that failed is taken back, too."""
    assert states.check_breaking(staged(cfg, plan)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_three_drivers_in_a_row_may_be_killed_anywhere(cfg, plan):
    """The run, its repair, and the repair of what that left; each before, during and after every
    step and every commit."""
    assert states.check_all(staged(cfg, plan), 3) >= 2
