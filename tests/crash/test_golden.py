"""Every golden plan of every operation: killed anywhere, three times, repaired by one command.

New operations must have a golden plan, and are covered then.
"""

from __future__ import annotations

import os

import pytest

from gnt.cli import find
from gnt.found import names
from gnt.spec import Operation
from tests.commands import build
from tests.commands.test_plans import PLANS, operation, read, scene
from tests.crash import states
from tests.crash.harness import Fixed, Scene


def refusal(path):
    """Whether a golden file shows a refusal, of which nothing can be left."""
    return any(line.startswith("error ") for line in read(path)[2])


def planned(path):
    """(configuration, plan) of a golden file."""
    head, words, _ = read(path)
    cfg, nodes = scene(head)
    return cfg, build.plan(operation(head, words), cfg, nodes)


CASES = [pytest.param(*planned(path), id=path.stem) for path in PLANS if not refusal(path)]


def staged(cfg, plan):
    hosts = {node.name for node in cfg.nodes} | {step.do.node for step in plan.steps}
    return Scene(cfg.state.data, sorted(hosts), Fixed(made=plan))


def operations():
    """Every operation there is, as the command line finds them."""
    for noun in names(find.ROOT):
        for verb in find.verbs(noun) if hasattr(find.package(noun), "__path__") else ():
            cls, _ = find.command([noun, *verb.split()])
            if issubclass(cls, Operation):
                yield f"{cls.noun} {cls.verb}"


def test_every_operation_has_a_golden_plan_and_every_one_is_taken():
    shown = {type(operation(*read(path)[:2])) for path in PLANS if not refusal(path)}
    assert {f"{cls.noun} {cls.verb}" for cls in shown} == set(operations())
    assert {case.id for case in CASES} | {p.stem for p in PLANS if refusal(p)} == {
        path.stem for path in PLANS}
    assert any(len(case.values[1].steps) > 4 for case in CASES)


def test_a_driver_dies_before_during_and_after_every_call_and_commit():
    """Three points for each call of the plan, two for each of its commits, the notes besides."""
    for case in CASES:
        cfg, plan = case.values
        made = staged(cfg, plan)
        at = 0
        while made.start(at):
            made = staged(cfg, plan)
            at += 1
        commits = len(made.disk.transactions)
        assert at >= 3 * len(plan.steps) + 2 * commits >= 2, case.id


@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_one_kill_anywhere_is_repaired_by_one_command(cfg, plan):
    assert states.check_all(staged(cfg, plan), 1) >= 2


@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_a_call_that_fails_in_the_repair_leaves_nothing(cfg, plan):
    """What the dead driver did beyond the step that failed is taken back, too."""
    assert states.check_breaking(staged(cfg, plan)) >= 2


LONG = 7  # steps; what three kills in a row make of more takes minutes, for GNT_DEEP=1
DEEP = [case for case in CASES
        if len(case.values[1].steps) <= LONG or os.environ.get("GNT_DEEP")]


@pytest.mark.slow
@pytest.mark.parametrize(("cfg", "plan"), DEEP)
def test_three_drivers_in_a_row_may_be_killed_anywhere(cfg, plan):
    """The run, its repair, and the repair of what that left; each before, during and after every
    step and every commit."""
    assert states.check_all(staged(cfg, plan), 3) >= 2
