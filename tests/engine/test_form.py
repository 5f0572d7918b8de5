"""The form of what is recorded and saved: read back as it was, refused with its place."""

from __future__ import annotations

import importlib
import json
import pkgutil

import pytest

import gnt.commands
from gnt.engine import driver, hooks, planfile
from gnt.engine.record import (
    WITHHELD,
    dump,
    dump_params,
    load,
    load_operation,
    load_plan,
    operation_named,
)
from gnt.errors import Conflict, Damaged, NodeFailed, UsageError
from gnt.net.base import Port
from gnt.plan import Plan, Progress, Step
from gnt.spec import Operation, opt
from gnt.values import TEXT
from tests.engine.test_hooks import Hooked, hooked
from tests.engine.toys import WISH, Build, Lab, Tag, effects, look, make, step


def operations():
    """Every operation there is a command for."""
    for found in pkgutil.walk_packages(gnt.commands.__path__, "gnt.commands."):
        for one in vars(importlib.import_module(found.name)).values():
            if isinstance(one, type) and issubclass(one, Operation) and (
                    one.__module__ == found.name and "._" not in found.name):
                yield pytest.param(one, id=f"{one.noun} {one.verb}")


@pytest.mark.parametrize("kind", list(operations()))
def test_every_operation_is_found_by_the_name_that_is_recorded(kind):
    assert operation_named(f"{kind.noun} {kind.verb}") is kind


@pytest.mark.parametrize("command", [
    "instance", "instance _wish", "instance add2", "instance ad", "instance  add", "plan render",
    "../instance add", "instance/add", "instance.add", "instance Add", " ", "cluster __init__",
])
def test_what_is_no_operation_is_refused_with_the_way_out(command):
    with pytest.raises(Damaged, match="there is no operation") as refused:
        operation_named(command)
    assert "another version" in refused.value.hint


class Secretive(Build, command="toy secretive"):
    password_file: str = opt(TEXT, "", default="")
    private_part: str = opt(TEXT, "", default="")
    plain: str = opt(TEXT, "", default="")


def test_secrets_are_known_by_their_names():
    asked = Secretive(name="web", password_file="a", private_part="b", secret_word="c", plain="d")
    assert dump_params(asked) == {
        "name": "web", "secret_word": WITHHELD, "password_file": WITHHELD,
        "private_part": WITHHELD, "plain": "d"}
    assert load_operation(Secretive, dump_params(asked), "x") == Secretive(name="web", plain="d")


@pytest.mark.parametrize(("data", "said"), [
    ({"_": "none", "more": 1}, "x: there is no kind of value 'none'"),
    ({"_": "bytes"}, "x: not bytes"), ({"_": "bytes", "hex": 1}, "x: not bytes"),
    ({"_": "net.base.Port", "odd": 1}, "x: "), ({"_": "net.base"}, "x: there is no kind"),
    ({"_": "net.base.Nothing"}, "x: there is no kind"), ({"_": 7}, "x: there is no kind"),
    ({"_": "plan.Call", "task": [{"_": "bytes"}]}, r"x\.task\[0\]: not bytes"),
    ({"a": {"b": [1, None]}}, r"x\.a\.b\[1\]: None does not belong"),
])
def test_values_that_nobody_has_recorded_are_refused_with_their_place(data, said):
    with pytest.raises(Damaged, match=said):
        load(data, "x")


def test_values_are_recorded_as_short_as_can_be():
    port = Port(uuid="u", interface="t", mac="m", mode="bridged", link="br0", ip=None)
    assert dump(port)["_"] == "net.base.Port" and dump(None) == {"_": "none"}
    assert dump(b"\0x") == {"_": "bytes", "hex": "0078"}
    assert dump({1: (2, [True])}) == {"1": [2, [True]]}
    assert dump(Progress(what="w", total=0, done=3)) == {
        "_": "plan.Progress", "what": "w", "done": 3}
    assert load({"_": "plan.Progress", "what": "w", "done": 3}, "x") == Progress(what="w", done=3)


def test_all_parts_of_a_recorded_plan_are_known():
    plan = load_plan({"pivot": [], "end": [], "hooks": [], "notes": ["careful"]}, "p")
    assert plan == Plan(notes=("careful",))
    with pytest.raises(Damaged, match=r"p\.start: unknown part"):
        load_plan({"start": []}, "p")


CALL = {"do": make.name, "on": "n", "with": {"thing": "x"}}


@pytest.mark.parametrize(("step_data", "place"), [
    ({**CALL, "title": 1}, r"p\.attempt\[0\]\.title: expected a text, found 1"),
    ({**CALL, "undo": 1}, r"\[0\]\.undo: expected a table"),
    ({**CALL, "undo": {**CALL, "same": 1}}, r"\[0\]\.undo\.same: expected a list, found 1"),
    ({**CALL, "undo": {"do": make.name, "same": [1]}}, r"\[0\]\.undo\.same: names what"),
    ({**CALL, "undo": {"do": make.name, "odd": 1}}, r"\[0\]\.undo\.odd: unknown field"),
    ({**CALL, "undo": {"do": make.name, "on": 1, "same": ["thing"]}}, r"\.undo\.on: expected a t"),
    ({**CALL, "undo": {"do": make.name}}, r"\[0\]\.undo: tests"),
    ({**CALL, "with": {"thing": None}}, r"\[0\]\.with\.thing: None does not belong"),
    ({**CALL, "do": 1}, r"\[0\]\.do: expected a text, found 1"),
])
def test_steps_of_another_form_are_refused_with_their_place(step_data, place):
    with pytest.raises(Damaged, match=place):
        load_plan({"attempt": [step_data]}, "p")
    with pytest.raises(Damaged, match=r"p\.notes: expected a list"):
        load_plan({"notes": "careful"}, "p")


def test_only_a_plain_yes_puts_steps_side_by_side():
    for said, beside in ((True, True), (False, False), (1, False), ("yes", False)):
        (read,) = load_plan({"attempt": [{**CALL, "beside": said}]}, "p").attempt
        assert read.beside is beside


def test_parameters_of_the_wrong_form_name_their_place():
    with pytest.raises(Damaged, match=r"^jobs\.7\.params\.name: None does not belong"):
        load_operation(Build, {"name": None}, "jobs.7")
    with pytest.raises(Damaged, match=r"^jobs\.7\.params\.odd: toy build has no such") as told:
        load_operation(Build, {"odd": 1}, "jobs.7")
    assert "another version" in told.value.hint


SAVED = """{
 "format": 1,
 "cluster": "c",
 "serial": 1,
 "head": "h1",
 "operation": "group add",
 "params": {
  "name": "wéb",
  "alloc_policy": "unallocable"
 },
 "plan": [
  "note   ä",
  "do     node1: tests.engine.toys.make thing=web-a"
 ],
 "hash": "HASH"
}
"""
HASH = "2e8d581a19bdbf1954f482502d2572dda635899116dd5f61235cafa3445d44a9"


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.plan"
    path.write_text(SAVED.replace("HASH", HASH))
    return path


def test_a_plan_that_was_saved_once_is_read_for_ever(saved):
    made, operation = planfile.read(str(saved))
    assert (type(operation).verb, operation.name, made.hash) == ("add", "wéb", HASH)
    assert made.plan[0] == "note   ä"


def test_the_order_of_what_is_saved_does_not_matter(saved):
    data = json.loads(saved.read_text())
    data["params"] = dict(reversed(data["params"].items()))
    saved.write_text(json.dumps(dict(reversed(data.items()))))
    assert planfile.read(str(saved))[1].name == "wéb"


@pytest.mark.parametrize(("text", "said"), [
    ("{", "not a plan"), ("{}", "a.plan"), ("[" * 100_000, "not a plan"), ("\xff", "not a plan"),
    (SAVED.replace('"format": 1', '"format": 9'), "format 9 is not known here"),
])
def test_what_is_no_plan_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "a.plan"
    path.write_text(text, encoding="latin-1" if text == "\xff" else "utf-8")
    with pytest.raises(Damaged, match=said) as refused:
        planfile.read(str(path))
    assert str(path) in str(refused.value)


def test_a_changed_plan_says_how_to_make_it_again(saved):
    saved.write_text(saved.read_text().replace("ä", "a"))
    with pytest.raises(Damaged, match="changed after it was written") as refused:
        planfile.read(str(saved))
    assert refused.value.hint == "make it again with --plan-out"


def test_the_difference_of_two_plans_is_shown_and_nothing_else():
    cfg = Lab().disk.config()
    old = Plan(attempt=(step("node1", "a"), step("node1", "b")))
    saved = planfile.PlanFile(format=1, cluster="c", serial=0, head="h", operation="toy build",
                              params={}, plan=planfile.shown(old))
    with pytest.raises(Conflict) as refused:
        planfile.require_same("f", saved, cfg, Plan(attempt=(step("node1", "a"),)))
    assert str(refused.value) == (
        "f no longer fits: the cluster went from serial 0 to 1, and the plan would now be another\n"
        "    --- saved\n    +++ now\n    @@ -2 +1,0 @@\n"
        f"    -{planfile.shown(old)[1]}")
    assert refused.value.hint == "look at it, and save it again with --plan-out f"


def test_where_no_plan_can_be_saved_nothing_is(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory") as refused:
        planfile.write(f"{tmp_path}/none/a", Lab().disk.config(), Tag(), Plan())
    assert refused.value.hint == "name a file that is not there yet"
    with pytest.raises(UsageError) as refused:
        planfile.write(f"{tmp_path}/a", Lab().disk.config(),
                       Secretive(name="w", secret_word="x", private_part="y"), Plan())
    assert str(refused.value) == "secret_word, private_part is never written to a file"


def told_by(lab, **more):
    desk, told = hooked(lab, **more)
    driver.run(desk, Hooked(name="web"), WISH)
    return told


def test_hooks_are_told_what_the_reference_tells_them():
    told = told_by(Lab(), phases={"node1": ("pre", "post")})
    before, after = told[0][2], told[1][2]
    assert before == {
        "GANETI_CLUSTER": "toy", "GANETI_DATA_DIR": "/var/lib/gnt",
        "GANETI_HOOKS_PATH": "toy-build", "GANETI_HOOKS_PHASE": "pre", "GANETI_HOOKS_VERSION": "2",
        "GANETI_MASTER": "node1",
        "GANETI_OBJECT_TYPE": "TOY", "GANETI_OP_CODE": "OP_TOY_HOOKED", "GANETI_OP_TARGET": "toy",
        "GANETI_TOY_NAME": "web"}
    assert {key: value for key, value in after.items() if key not in before} == {
        "GANETI_POST_TOY_NAME": "web"}
    assert "GANETI_TOY_NAME" not in after and after["GANETI_HOOKS_PHASE"] == "post"


def test_pre_hooks_run_side_by_side_and_stop_the_job_post_hooks_only_warn():
    cfg = Lab().disk.config()
    plan = Plan(attempt=(step("node2", "a"), step("node3", "b")), notes=("n",))
    both = {hooks.present.on(f"node{n}", "toy-build").key: ("pre", "post") for n in (1, 2)}
    answers = {**both, hooks.present.on("node3", "toy-build").key: NodeFailed("node3", "lost", "")}
    made, after = hooks.with_hooks(Hooked(name="web"), cfg, plan, answers)
    assert after == ("node1", "node2") and made.attempt[2:] == plan.attempt and made.notes == ("n",)
    assert [(s.do.node, s.beside, s.undo, s.title) for s in made.attempt[:2]] == [
        ("node1", False, None, "pre hooks of toy-build"),
        ("node2", True, None, "pre hooks of toy-build")]
    assert made.attempt[0].do.args["failing"] is True
    only_post = {key: ("post",) for key in answers}
    assert hooks.with_hooks(Hooked(name="web"), cfg, plan, only_post) == (
        plan, ("node1", "node2", "node3"))
    lab, seen = Lab(), []

    def effect(node, call):
        if call.task == hooks.present.name:
            return ("post",)
        if call.task == hooks.run_hooks.name:
            seen.append((node.name, call.args["failing"]))
            return ("a said x", "b said y") if node.name == "node2" else ()
        return effects(node, call)

    desk, said = lab.desk(effects=effect), []
    desk.find, desk.tell = {"toy hooked": Hooked}.__getitem__, said.append
    driver.run(desk, Hooked(name="web"), WISH)
    assert seen == [("node1", False), ("node2", False), ("node3", False)]
    assert said == ["post hooks of toy-build on node2: a said x",
                    "post hooks of toy-build on node2: b said y"]


def test_operations_without_hooks_ask_for_none():
    cfg = Lab().disk.config()
    build, plan = Build(name="web"), Plan(attempt=(step("node2", "a"),))
    assert hooks.questions(build, cfg, [look.on("node2", "x")], ["node3"]) == []
    assert hooks.unasked(build, cfg, plan, {}) == set()
    assert hooks.with_hooks(build, cfg, plan, {}) == (plan, ())
    asked = hooks.questions(Hooked(name="web"), cfg, [look.on("node2", "x")], ["node3"])
    assert [(call.node, call.args) for call in asked] == [
        (f"node{n}", {"name": "toy-build"}) for n in (1, 2, 3)]
    known = {asked[0].key: ()}
    assert hooks.unasked(Hooked(name="web"), cfg, plan, known) == {"node2"}


def test_scripts_of_hooks_get_their_words_and_are_understood():
    present = hooks.present.body("instance-add")
    assert present.words == ("/etc/gnt/hooks/instance-add",)
    assert present.answer("pre\npost\n") == ("pre", "post")
    run = hooks.run_hooks.body("instance-add", "pre", True, ("A=1", "B=2 3"))
    assert run.words == ("/etc/gnt/hooks/instance-add-pre.d", "yes", "A=1", "B=2 3")
    assert run.answer("one\ntwo words\n") == ("one", "two words")


def test_steps_that_stand_alone_are_recorded_alone():
    plan = Plan(attempt=(Step(do=make.on("n", "a"), beside=True, title="t"),))
    assert load_plan({"attempt": [{"do": make.name, "on": "n", "with": {"thing": "a"},
                                   "beside": True, "title": "t"}]}, "p") == plan

