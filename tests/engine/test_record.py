"""Plans and parameters survive the record; nonsense in it is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.engine.record import (
    dump,
    dump_params,
    dump_plan,
    load,
    load_operation,
    load_plan,
    withheld,
)
from gnt.errors import Damaged
from gnt.net.base import Port
from gnt.plan import Plan, Progress, Step, node_task, script
from tests.crash.test_golden import CASES
from tests.engine.toys import Build, make, step, unmake

KEYS = st.text(min_size=1, max_size=6).filter(lambda key: key != "_")
SCALARS = st.one_of(st.text(max_size=8), st.integers(-2**63, 2**63 - 1), st.booleans(), st.none(),
                    st.floats(allow_nan=False, allow_infinity=False), st.binary(max_size=8))
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=3).map(tuple), st.dictionaries(KEYS, inner, max_size=3)))


@node_task()
def takes(value, other=None):
    return script("true", value)


@given(VALUES)
def test_any_value_comes_back(value):
    assert load(dump(value), "x") == value


@given(VALUES)
def test_any_argument_of_a_step_and_of_its_undo_comes_back(value):
    plan = Plan(attempt=(Step(do=takes.on("n", value), undo=takes.on("m", value, "else"),
                              title="t"),), notes=("careful",))
    assert load_plan(dump_plan(plan), "p") == plan


def test_records_come_back_as_what_they_were():
    port = Port(uuid="u", interface="t", mac="m", mode="bridged", link="br0", ip=None)
    plan = Plan(attempt=(Step(do=takes.on("n", (port, Progress(what="w")))),))
    assert load_plan(dump_plan(plan), "p") == plan


@pytest.mark.parametrize(("cfg", "plan"), CASES)
def test_golden_plans_come_back(cfg, plan):
    recorded = dump_plan(plan)
    again = load_plan(recorded, "p")
    assert [str(s) for s in again.steps] == [str(s) for s in plan.steps]
    assert dump_plan(again) == recorded


def test_a_step_takes_a_few_hundred_bytes():
    from gnt.config import canon

    plan = Plan(attempt=tuple(step("node1.example.com", f"thing-{n}") for n in range(10)))
    assert len(canon.value(dump_plan(plan))) < 10 * 160


@pytest.mark.parametrize(("data", "place"), [
    ({"attempt": 1}, "p.attempt"),
    ({"surprise": []}, "p.surprise"),
    ({"attempt": [1]}, "p.attempt[0]"),
    ({"attempt": [{"on": "n"}]}, "p.attempt[0].do"),
    ({"attempt": [{"do": "no.such.task", "on": "n"}]}, "no.such.task"),
    ({"attempt": [{"do": make.name, "with": {"thing": "x"}}]}, "p.attempt[0].on"),
    ({"attempt": [{"do": make.name, "on": "n"}]}, "p.attempt[0]"),
    ({"attempt": [{"do": make.name, "on": "n",
                   "with": {"thing": "x", "more": 1}}]}, "p.attempt[0]"),
    ({"attempt": [{"do": make.name, "on": "n", "with": {"thing": "x"}, "odd": 1}]}, "[0].odd"),
    ({"settle": [{"do": make.name, "on": "n", "with": {"thing": "x"},
                  "undo": {"do": unmake.name, "same": ["other"]}}]}, "p.settle[0].undo.same"),
    ({"attempt": [{"do": make.name, "on": "n",
                   "with": {"thing": {"_": "os.path"}}}]}, "p.attempt[0].with.thing"),
    ({"attempt": [{"do": make.name, "on": "n",
                   "with": {"thing": {"_": "bytes", "hex": "zz"}}}]}, "p.attempt[0].with.thing"),
    ({"attempt": [{"do": make.name, "on": "n",
                   "with": {"thing": {"_": "net.base.Port", "mac": "m"}}}]}, "with.thing"),
    ({"notes": [1]}, "p.notes"),
])  # fmt: skip
def test_nonsense_is_refused_with_its_place(data, place):
    with pytest.raises(Damaged) as refused:
        load_plan(data, "p")
    assert place in str(refused.value)


@given(st.recursive(st.one_of(st.none(), st.text(), st.integers()), lambda inner: st.one_of(
    st.lists(inner), st.dictionaries(st.sampled_from(
        ["attempt", "settle", "do", "on", "with", "undo", "same", "_", "hex"]), inner))))
def test_no_data_does_more_than_be_refused(data):
    if isinstance(data, dict):
        try:
            load_plan(data, "p")
        except Damaged as refused:
            assert str(refused)


def test_values_that_cannot_be_recorded_are_a_mistake_of_the_plan():
    with pytest.raises(TypeError):
        dump(object())
    with pytest.raises(TypeError):
        dump({"_": 1})


def test_parameters_come_back_without_secrets():
    build = Build(name="web", settle=True, secret_word="hunter2")
    recorded = dump_params(build)
    assert recorded == {"name": "web", "settle": True, "secret_word": {"_": "withheld"}}
    assert "hunter2" not in repr(recorded) and withheld(recorded) == ["secret_word"]
    assert load_operation(Build, recorded, "jobs.7") == build.replace(secret_word="")


@pytest.mark.parametrize("params", [{"name": "x", "odd": 1}, {}])
def test_parameters_of_another_version_are_refused(params):
    with pytest.raises(Damaged, match=r"jobs\.7"):
        load_operation(Build, params, "jobs.7")
