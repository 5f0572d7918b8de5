"""What is told of a job while it goes, step by step, and when it stops or fails."""

from __future__ import annotations

import pytest

from gnt.engine import driver, recover
from gnt.errors import GntError, Interrupted, JobFailed, NodeFailed, NoMajority
from gnt.plan import Plan, Step
from tests.engine.toys import WISH, Build, Lab, make, step, stopped_twice


def breaks(*things, undo=False):
    """Fail where these are made, or unmade."""
    def before(call):
        if call.args.get("thing") in things and call.task.endswith(".unmake" if undo else ".make"):
            raise NodeFailed(call.node, "failed", "broke", hint="mend it", task=call.task)

    return before


def heard(lab, desk, operation, error=None):
    if error is None:
        driver.run(desk, operation, WISH)
    else:
        with pytest.raises(error):
            driver.run(desk, operation, WISH)
    return desk.listener.heard


JOB = "2"  # the first one of a new lab
BEGIN = [("started", JOB), ("step", 0), ("step", 1), ("done", 0), ("done", 1), ("step", 2),
         ("step", 3)]


def test_a_job_that_ends_well_is_told_step_by_step():
    lab = Lab()
    assert heard(lab, lab.desk(), Build(name="web", settle=True)) == [
        *BEGIN, ("done", 2), ("done", 3), ("step", 4), ("done", 4), ("success", JOB)]


def test_a_job_that_is_taken_back_is_told_step_by_step():
    lab = Lab()
    assert heard(lab, lab.desk(before=breaks("web-c")), Build(name="web"), JobFailed) == [
        *BEGIN, ("failed", 2), ("done", 3), ("undoing", 3), ("undoing", 2), ("undoing", 1),
        ("undoing", 0), ("undone", JOB)]


def test_of_a_node_s_scripts_those_after_the_failed_one_are_not_told_as_done():
    lab = Lab()
    assert heard(lab, lab.desk(before=breaks("web-a")), Build(name="web"), JobFailed) == [
        *BEGIN[:3], ("failed", 0), ("undoing", 1), ("undoing", 0), ("undone", JOB)]


def test_of_several_failures_all_are_told_and_the_first_is_the_reason():
    lab = Lab()
    desk = lab.desk(before=breaks("web-c", "web-d"))
    with pytest.raises(JobFailed, match="node2: broke") as failed:
        driver.run(desk, Build(name="web"), WISH)
    assert desk.listener.heard[7:9] == [("failed", 2), ("failed", 3)]
    assert failed.value.hint == "mend it"


@pytest.mark.parametrize(("hooks", "settle", "error"), [
    ({"before": breaks("web-e")}, True, JobFailed),
    ({"committing": "end"}, False, JobFailed),
    ({"committing": "pivot"}, True, JobFailed),
])
def test_a_job_that_has_to_be_gone_on_with_is_told_as_interrupted(hooks, settle, error):
    def refuse(change):
        ends = any(e.path.startswith("jobs/") and e.value is None for e in change.edits)
        passes = any(e.value and e.value.get("state") == "settling" for e in change.edits)
        if {"end": ends, "pivot": passes}[hooks["committing"]]:
            raise NoMajority("2 are needed")

    lab = Lab()
    made = {name: refuse if name == "committing" else hook for name, hook in hooks.items()}
    assert heard(lab, lab.desk(**made), Build(name="web", settle=settle), error)[-1] == (
        "interrupted", JOB)


@pytest.mark.parametrize("status", [1, NodeFailed.FINAL])
def test_what_cannot_be_taken_back_is_told_as_interrupted(status):
    def before(call):
        breaks("web-c")(call)
        if call.task.endswith(".unmake") and call.args["thing"] == "web-b":
            raise NodeFailed(call.node, "failed", "stuck", status=status)

    lab = Lab()
    desk = lab.desk(before=before)
    with pytest.raises(GntError) as stuck:
        driver.run(desk, Build(name="web"), WISH)
    said = str(stuck.value)
    assert (": undone: node node2: broke" in said) is (status != NodeFailed.FINAL)
    assert ("taken back (node node2: broke" in said) is (status == NodeFailed.FINAL)
    told = desk.listener.heard
    assert told[-1] == ("interrupted", JOB) and ("undone", JOB) not in told
    assert [at for what, at in told if what == "undoing"] == [3, 2, 1, 0]


def test_a_stop_between_two_steps_is_told_as_interrupted():
    lab = Lab()
    desk = lab.desk()
    desk.transport.after = lambda call: call.args.get("thing") == "web-a" and desk.stop.request()
    assert heard(lab, desk, Build(name="web"), Interrupted) == [
        *BEGIN[:5], ("interrupted", JOB)]
    assert "node2:web-c" not in lab.nodes.things


def test_a_stop_while_it_settles_leaves_only_the_way_forward():
    """The stop is asked for with the last step before the point of no return."""
    lab = Lab()
    desk = lab.desk()
    desk.transport.after = lambda call: call.args.get("thing") == "web-d" and desk.stop.request()
    with pytest.raises(Interrupted) as stopped:
        driver.run(desk, Build(name="web", settle=True), WISH)
    (job,) = lab.jobs
    assert job.state == "settling" and stopped.value.hint == f"gnt-job resume {job.id}"
    assert desk.listener.heard[-1] == ("interrupted", JOB)
    recover.resume(lab.desk(), job.id, "x")
    assert "node3:web-e" in lab.nodes.things and lab.jobs == []


def test_cancelling_comes_too_late_once_it_settles():
    lab = Lab()
    desk = lab.desk(before=lambda call: call.args.get("thing") == "web-e"
                    and lab.nodes.cancelled.add(lab.jobs[0].id))
    settle = (step("node3", "web-e"), step("node1", "web-f"), step("node3", "web-g"))

    class Long(Build, command="toy long"):
        def plan(self, cfg, seen):
            return super().plan(cfg, seen).replace(settle=settle)

    driver.run(desk, Long(name="web"), WISH)
    assert lab.nodes.things[-2:] == ["node3:web-e", "node3:web-g"]
    assert "node1:web-f" in lab.nodes.things and lab.jobs == []


def test_a_second_stop_while_it_settles_says_only_the_way_forward():
    with pytest.raises(Interrupted, match="within a step") as stopped:
        driver.run(stopped_twice(Lab(), "web-e"), Build(name="web", settle=True), WISH)
    assert stopped.value.hint == f"gnt-job resume {JOB}"


@pytest.mark.parametrize(("hooks", "settle"), [
    ({"before": breaks("web-d")}, False), ({"before": breaks("web-e")}, True)])
def test_a_turn_that_is_not_needed_is_given_back(hooks, settle):
    """It rode on the last step, which failed."""
    lab = Lab()
    desk = lab.desk(**hooks)
    given = []
    desk.store.give_turn = lambda: given.append(desk.store.turn)
    heard(lab, desk, Build(name="web", settle=settle), JobFailed)
    assert given[0] is True


def test_a_turn_is_given_back_when_somebody_cancels_in_the_last_moment():
    lab = Lab()
    desk, given = lab.desk(), []
    desk.store.give_turn = lambda: given.append(desk.store.turn)
    perform = desk.transport.perform

    def cancelled(calls, *, fence, tell=None):
        if any(call.args.get("thing") == "web-d" for call in calls):
            lab.nodes.cancelled.add(fence)
        return perform(calls, fence=fence, tell=tell)

    desk.transport.perform = cancelled
    with pytest.raises(JobFailed, match=r"^job 2 \(toy build\): cancelled\n    undone: "):
        driver.run(desk, Build(name="web"), WISH)
    assert desk.listener.heard[-1] == ("undone", JOB)
    assert given == [True] and lab.nodes.things == []


def test_what_was_undone_is_said_line_by_line():
    lab = Lab()
    with pytest.raises(JobFailed) as failed:
        driver.run(lab.desk(before=breaks("web-b")), Build(name="web"), WISH)
    assert str(failed.value) == (
        "job 2 (toy build): node node1: broke during tests.engine.toys.make\n"
        "    undone: node1: tests.engine.toys.unmake thing=web-b\n"
        "    undone: node1: tests.engine.toys.unmake thing=web-a")
    assert lab.disk.transactions[-1]["result"].startswith("undone: node node1: broke")

    class Final(Build, command="toy final"):
        def plan(self, cfg, seen):
            return Plan(attempt=(Step(do=make.on("node1", "web-a")),))

    with pytest.raises(JobFailed, match=r"broke .*\n    nothing had to be undone$"):
        driver.run(lab.desk(before=breaks("web-a")), Final(name="web"), WISH)


def refusing(**wanted):
    """Refuse to record that a job is in this state, or that it ended so."""
    def refuse(change):
        states = [e.value["state"] for e in change.edits if e.path.startswith("jobs/") and e.value]
        if wanted.get("state") in states or change.result.startswith(wanted.get("result", "-")):
            raise NoMajority("2 are needed", hint="wait")

    return refuse


@pytest.mark.parametrize(("refused", "before", "what", "verb"), [
    ({"state": "settling"}, None, "its point of no return could not be recorded", "resume"),
    ({"result": "success"}, None, "its end could not be recorded", "resume"),
    ({"result": "undone"}, breaks("web-c"), "that it was undone could not be recorded", "undo"),
    ({"state": "undoing"}, lambda call: (breaks("web-c")(call), breaks("web-a", undo=True)(call)),
     r"that it could not be taken back \(node node1: broke.*\) could not be recorded", "undo"),
])
def test_what_could_not_be_recorded_is_named(refused, before, what, verb):
    lab = Lab()
    desk = lab.desk(committing=refusing(**refused), before=before)
    with pytest.raises(JobFailed, match=rf"job 2 \(toy build\): {what}: 2 are needed") as failed:
        driver.run(desk, Build(name="web", settle=True), WISH)
    assert failed.value.hint == f"put that right, then: gnt-job {verb} {JOB}"
    assert desk.listener.heard[-1] == ("interrupted", JOB) and len(lab.jobs) == 1
    assert lab.nodes.owners == {}
