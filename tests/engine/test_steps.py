"""Steps in phases, and what is made of answers that are missing, late or unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnt.engine import driver
from gnt.engine.steps import FENCE_WAIT, Performer, StepFailed, phases
from gnt.engine.stop import Stop
from gnt.errors import Damaged, JobFailed, NodeFailed
from gnt.plan import Plan, Step, dialogue, node_task, script
from tests.engine.toys import WISH, Build, Ear, Lab, make, step


@node_task(deadline=60)
def quick(thing):
    return script('touch "$1"', thing)


@node_task(deadline=61)
def long(thing):
    return script('touch "$1"', thing)


@dialogue(deadline=5)
def talk(context, thing):
    context.run(thing)


def one(task, node, *, beside=False):
    return Step(do=task.on(node, "x"), beside=beside)


def grouped(*steps, first=0):
    return [[item.index for item in phase] for phase in phases(steps, first)]


def test_what_shares_a_phase():
    a, b, long_a, talk_a = (one(quick, "a"), one(quick, "b"), one(long, "a"), one(talk, "a"))
    beside = one(quick, "b", beside=True)
    assert grouped() == []
    assert grouped(a, a, b, a) == [[0, 1], [2], [3]]
    assert grouped(a, long_a, a, a) == [[0], [1], [2, 3]]
    assert grouped(a, talk_a, a) == [[0], [1], [2]]
    assert grouped(a, a, beside) == [[0], [1, 2]]  # who leads others begins a phase
    assert grouped(a, a, beside, beside, b, b) == [[0], [1, 2, 3], [4, 5]]
    assert grouped(beside, beside) == [[0, 1]]  # the first stands beside nothing
    assert grouped(a, a, first=7) == [[7, 8]]


STEPS = st.lists(st.builds(one, st.sampled_from([quick, long, talk]), st.sampled_from("ab"),
                           beside=st.booleans()), max_size=8)


@given(STEPS, st.integers(0, 3))
def test_phases_keep_the_order_and_mix_nothing(steps, first):
    made = phases(steps, first)
    assert [item.step for phase in made for item in phase] == steps
    assert [item.index for phase in made for item in phase] == list(
        range(first, first + len(steps)))
    for phase in made:
        led = [item.step for item in phase[1:]]
        assert all(other.beside for other in led) or (
            not any(other.beside for other in led) and {s.step.do.node for s in phase} == {
                phase[0].step.do.node} and all(s.step.do.task == quick.name for s in phase))


class Scripted:
    """A transport with its answers ready: per phase {thing: answer}, or what was done is None."""

    def __init__(self, *answers, quiet=None):
        self.coming, self.sent, self.fences = list(answers), [], []
        self.quiet = quiet or {}

    def perform(self, calls, *, fence, tell=None):
        say, *rest = calls
        self.sent.append((say.args["line"], say.args["first"],
                          [call.args["thing"] for call in rest]))
        answers = self.coming.pop(0) if self.coming else {}
        made = {call.key: answers.get(call.args["thing"]) for call in rest
                if answers.get(call.args["thing"]) != "silent"}
        told = answers.get("cancel", False)
        return made if told == "silent" else {say.key: told, **made}

    def wait_fence(self, nodes, fence, deadline):
        self.fences.append((sorted(nodes), fence, deadline))
        return {node: self.quiet.get(node) for node in nodes}


def performer(transport, stop=None):
    made = Performer(transport, Ear(), stop or Stop(), "master", "7")
    made.turns = []
    return made


def forward(made, *steps, **more):
    transport = made.transport
    return made.forward(steps, 0, lambda: made.turns.append(len(transport.sent)), **more)


def lost(node="n", kind="lost"):
    return NodeFailed(node, kind, "gone")


def failed(node="n"):
    return NodeFailed(node, "failed", "broke", hint="mend it")


def test_the_turn_rides_on_the_last_phase_if_that_is_short():
    for last, turns in ((one(quick, "b"), [1]), (one(long, "b"), []), (one(talk, "b"), [])):
        made = performer(Scripted())
        assert forward(made, one(quick, "a"), last) is True
        assert made.turns == turns and len(made.transport.sent) == 2
    made = performer(Scripted())
    assert forward(made, one(long, "a"), one(quick, "b", beside=True)) is True
    assert made.turns == []  # of several at a time all must be


def test_only_a_job_s_first_lines_begin_its_log():
    made = performer(Scripted())
    forward(made, step("n", "a"), step("m", "b"))
    made.backward([step("n", "a"), step("m", "b")], 2, ())
    assert made.transport.sent == [
        ("do n: tests.engine.toys.make thing=a", True, ["a"]),
        ("do m: tests.engine.toys.make thing=b", False, ["b"]),
        ("undo m: tests.engine.toys.unmake thing=b", False, ["b"]),
        ("undo n: tests.engine.toys.unmake thing=a", False, ["a"])]


def test_nodes_that_are_gone_are_left_out():
    made = performer(Scripted())
    assert forward(made, step("n", "a"), step("off", "b"), skip=["off"]) is True
    assert [sent for *_, sent in made.transport.sent] == [["a"]] and made.turns == [0]
    undone = made.backward([step("n", "a"), step("off", "b")], 2, ["off"])
    assert [sent for *_, sent in made.transport.sent] == [["a"], ["a"]]
    assert len(undone) == 2  # nothing is left there that counts


def test_a_wish_to_stop_is_obeyed_before_the_next_phase():
    stop = Stop()
    made = performer(Scripted({"cancel": True}), stop)
    assert forward(made, step("n", "a"), step("m", "b")) is False
    assert stop.cancelled and len(made.transport.sent) == 1
    assert forward(made, step("m", "b"), cancellable=False) is True
    stop.request()
    assert forward(made, step("m", "b"), cancellable=False) is False
    for answer in (False, None, NodeFailed("master", "lost", "gone"), 1, "silent"):
        calm = Stop()
        assert forward(performer(Scripted({"cancel": answer}), calm), step("n", "a")) is True
        assert not calm.cancelled


@pytest.mark.parametrize("kind", ["lost", "timeout"])
def test_what_came_out_unknown_is_asked_once_more_with_all_after_it(kind):
    transport = Scripted({"b": lost(kind=kind), "c": "silent"})
    made = performer(transport)
    assert forward(made, step("n", "a"), step("n", "b"), step("n", "c")) is True
    assert [sent for *_, sent in transport.sent] == [["a", "b", "c"], ["b", "c"]]
    assert transport.sent[0][0] == "\n".join(
        f"do n: tests.engine.toys.make thing={thing}" for thing in "abc")
    assert transport.sent[1][0] == ""  # it is told once
    assert transport.fences == [(["n"], "7", FENCE_WAIT)]
    assert [what for what, at in made.listener.heard if at == 1] == ["step", "done"]


def test_other_nodes_are_not_asked_again():
    transport = Scripted({"a": lost("n"), "b": failed("m")})
    made = performer(transport)
    with pytest.raises(StepFailed, match="broke") as told:
        forward(made, step("n", "a"), step("m", "b", beside=True), step("k", "c", beside=True))
    assert [sent for *_, sent in transport.sent] == [["a", "b", "c"], ["a"]]
    assert transport.fences == [(["n"], "7", FENCE_WAIT)]
    assert (told.value.index, told.value.reached, told.value.hint) == (1, 3, "mend it")
    assert told.value.message == told.value.cause.message
    assert str(told.value).startswith("node m: broke")


def test_a_node_that_stays_loud_is_not_asked_again():
    transport = Scripted({"a": lost()}, quiet={"n": failed()})
    with pytest.raises(StepFailed, match="gone"):
        forward(performer(transport), step("n", "a"))
    assert len(transport.sent) == 1


def test_no_answer_at_all_the_second_time_is_damage():
    with pytest.raises(StepFailed, match="no answer to") as told:
        forward(performer(Scripted({"a": lost()}, {"a": "silent"})), step("n", "a"))
    assert isinstance(told.value.cause, Damaged)


def test_what_failed_is_not_asked_again():
    transport = Scripted({"a": failed()})
    with pytest.raises(StepFailed, match="broke") as told:
        forward(performer(transport), step("n", "a"), step("n", "b"))
    assert transport.fences == [] and len(transport.sent) == 1
    assert (told.value.index, told.value.reached) == (0, 2)


def test_after_a_failure_silence_is_no_news_but_before_it_is_damage():
    made = performer(Scripted({"a": failed(), "b": "silent"}))
    with pytest.raises(StepFailed, match="broke"):
        forward(made, step("n", "a"), step("n", "b"))
    assert made.listener.heard == [("step", 0), ("step", 1), ("failed", 0)]
    made = performer(Scripted({"a": "silent", "b": failed()}))
    with pytest.raises(StepFailed, match=r"n: no answer to tests.engine.toys.make") as told:
        forward(made, step("n", "a"), step("n", "b"))
    assert isinstance(told.value.cause, Damaged) and told.value.index == 0
    made = performer(Scripted({"a": failed("n"), "b": "silent"}))
    with pytest.raises(StepFailed, match="broke"):
        forward(made, step("n", "a"), step("m", "b", beside=True))
    assert ("failed", 1) in made.listener.heard  # of another node it is


def test_a_failed_undo_is_named_with_its_step():
    made = performer(Scripted({"b": failed()}))
    with pytest.raises(StepFailed, match="broke") as told:
        made.backward([step("n", "a"), step("n", "b"), step("n", "c")], 3, ())
    assert (told.value.index, told.value.reached) == (1, 1)
    assert made.listener.heard == [("undoing", 2), ("undoing", 1), ("undoing", 0)]


def test_only_what_was_begun_and_can_be_taken_back_is_undone():
    plain = Step(do=make.on("n", "b"))
    named = step("m", "c").replace(title="make room")
    made = performer(Scripted())
    assert made.backward([step("n", "a"), plain, named, step("n", "d")], 3, ()) == [
        "make room", "n: tests.engine.toys.unmake thing=a"]
    assert [sent for *_, sent in made.transport.sent] == [["c"], ["a"]]
    assert performer(Scripted()).backward([plain], 1, ()) == []


def test_steps_that_cannot_be_taken_back_are_foreseen_alone():
    plan = Plan(attempt=(Step(do=make.on("n", "a")), step("m", "b")),
                settle=(step("n", "c"),))
    calls = list(performer(Scripted()).foreseen(plan))
    assert [(call.node, call.task.rpartition(".")[2]) for call in calls] == [
        ("n", "make"), ("m", "make"), ("m", "unmake"), ("n", "make"), ("n", "unmake"),
        ("master", "note"), ("master", "note"), ("master", "note")]
    assert [call.args["first"] for call in calls[5:]] == [True, False, False]
    assert calls[7].args["line"] == "do n: tests.engine.toys.make thing=c"


def test_the_fences_of_all_nodes_of_a_plan_are_cleared():
    """Also of those where only something is taken back, and of the master, where lines went."""
    class Far(Build, command="toy far"):
        def plan(self, cfg, seen):
            return Plan(attempt=(Step(do=make.on("node2", "a"), undo=make.on("node3", "b")),))

    lab = Lab()
    desk = lab.desk()
    job = driver.run(desk, Far(name="web"), WISH)
    assert desk.transport.cleared == [(job, ("node1", "node2", "node3"))]
    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=lambda call: (_ for _ in ()).throw(failed("node2"))
                            if call.args.get("thing") == "a" else None), Far(name="db"), WISH)
