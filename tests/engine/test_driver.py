"""The life of one job: forward, back, stopped, and with doubtful answers."""

from __future__ import annotations

import pytest

from gnt.engine import driver, recover
from gnt.engine import job as transactions
from gnt.engine.steps import phases
from gnt.errors import Busy, Conflict, Interrupted, JobFailed, NodeFailed, NoMajority, Stale
from gnt.model.codec import to_data
from gnt.model.objects import Group
from gnt.plan import Edit, Step, node_task, script
from tests.engine.toys import WISH, Build, Lab, Tag, step, stopped_twice

ALL = ["node1:web-a", "node1:web-b", "node2:web-c", "node3:web-d"]


def failing(thing, kind="failed", times=99):
    left = [times]

    def before(call):
        if call.args.get("thing") == thing and call.task.endswith(".make") and left[0]:
            left[0] -= 1
            raise NodeFailed(call.node, kind, "broke", task=call.task, status=1)

    return before


def test_a_job_does_all_and_leaves_no_record():
    lab = Lab()
    job = driver.run(lab.desk(), Build(name="web"), WISH)
    assert lab.nodes.things == ALL
    assert lab.jobs == []
    assert lab.disk.config().one(Group, "web").tags == ("ready",)
    assert [t["job"] for t in lab.disk.transactions] == ["", job]
    assert lab.disk.transactions[-1]["result"] == "success"
    assert lab.nodes.owners == {}


def test_an_instance_like_job_takes_ten_round_trips_at_most():
    desk = Lab().desk()
    driver.run(desk, Build(name="web"), WISH)
    assert desk.trips == [
        "read", "ask", "own", "append", "head",  # the turn rode on the facts
        "perform", "perform", "append", "head",  # and on the last step
    ]


def test_only_configuration_is_one_commit_without_a_job():
    lab = Lab()
    desk = lab.desk()
    assert driver.run(desk, Tag(), WISH) == ""
    assert lab.disk.config().one(Group, "t").name == "t"
    assert len(lab.disk.transactions) == 1
    assert "own" not in desk.trips


def test_a_failed_step_takes_everything_back():
    lab = Lab()
    with pytest.raises(JobFailed) as failed:
        driver.run(lab.desk(before=failing("web-c")), Build(name="web"), WISH)
    assert "broke" in str(failed.value)
    assert "engine.toys.unmake thing=web-a" in str(failed.value)
    assert lab.nodes.things == []
    assert lab.jobs == [] and lab.taken == 0
    assert lab.disk.config().get(Group, "web") is None
    assert lab.disk.transactions[-1]["result"].startswith("undone: node node2: broke")


def test_steps_never_begun_are_not_undone():
    lab = Lab()
    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=failing("web-a")), Build(name="web"), WISH)
    assert [c.task for c in lab.nodes["node2"].asked] == ["tests.engine.toys.look"]


def test_a_step_that_proves_final_leaves_the_job_to_go_on():
    """Its driver died between a final step and the pivot's record: undo says so, resume ends it."""

    def final(call):
        if call.task.endswith(".unmake") and call.args["thing"] == "web-d":
            raise NodeFailed(call.node, "failed", "handed over", status=NodeFailed.FINAL)
        failing("web-c", times=1)(call)

    lab = Lab()
    with pytest.raises(Conflict, match=r"point of no return .*broke.*handed over") as told:
        driver.run(lab.desk(before=final), Build(name="web"), WISH)
    (job,) = lab.jobs
    assert told.value.hint == f"gnt-job resume {job.id}"
    with pytest.raises(Conflict, match=r"point of no return .*on request.*handed over"):
        recover.undo(lab.desk(before=final), job.id, "me")
    assert lab.jobs[0].state == "running"
    recover.resume(lab.desk(), job.id, "me")
    assert lab.nodes.things == ALL and lab.jobs == []


@pytest.mark.parametrize("kind", ["timeout", "lost"])
def test_an_unknown_outcome_waits_for_the_fence_and_is_asked_once_more(kind):
    lab = Lab()
    desk = lab.desk(before=failing("web-c", kind, times=1))
    job = driver.run(desk, Build(name="web"), WISH)
    assert lab.nodes.things == ALL
    assert desk.transport.fenced == [(job, ("node2",))]


def test_twice_unknown_is_failed():
    lab = Lab()
    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=failing("web-c", "timeout")), Build(name="web"), WISH)
    assert lab.nodes.things == [] and lab.jobs == []


@pytest.mark.parametrize(("verb", "left"), [("undo", []), ("resume", ALL)])
def test_failed_undo_stays_recorded_until_somebody_goes_on(verb, left):
    lab = Lab()

    def before(call):
        if call.args.get("thing") == "web-c" or call.task.endswith(".unmake"):
            raise NodeFailed(call.node, "failed", "broke", task=call.task)

    with pytest.raises(JobFailed) as failed:
        driver.run(lab.desk(before=lambda c: c.task.endswith(".look") or before(c)),
                   Build(name="web"), WISH)
    (job,) = lab.jobs
    assert job.state == "undoing"
    assert all(f"gnt-job {way} {job.id}" in failed.value.hint for way in ("undo", "resume"))
    if verb == "undo":
        recover.undo(lab.desk(), job.id, "x")
    else:
        recover.resume(lab.desk(), job.id, "x")
    assert lab.nodes.things == left and lab.jobs == [] and lab.taken == (1 if left else 0)


def test_failed_settle_goes_only_forward():
    lab = Lab()
    with pytest.raises(JobFailed) as failed:
        driver.run(lab.desk(before=failing("web-e")), Build(name="web", settle=True), WISH)
    (job,) = lab.jobs
    assert job.state == "settling" and f"gnt-job resume {job.id}" in failed.value.hint
    assert lab.nodes.things == ALL
    with pytest.raises(Exception, match="point of no return"):
        recover.undo(lab.desk(), job.id, "x")
    recover.resume(lab.desk(), job.id, "there 2")
    assert lab.nodes.things == [*ALL, "node3:web-e"] and lab.jobs == []


@pytest.mark.parametrize("marked", [True, False])
def test_a_node_that_is_gone_for_good_holds_up_neither_end(marked):
    for settle, verb in ((True, recover.resume), (False, recover.undo)):
        lab = Lab()

        def before(call):
            if call.node == "node3" and not call.task.endswith(".look"):
                raise NodeFailed(call.node, "unreachable", "no route")

        gone = before if not settle else failing("web-e", "unreachable")
        with pytest.raises(JobFailed) as failed:
            driver.run(lab.desk(before=gone), Build(name="web", settle=settle), WISH)
        (job,) = lab.jobs
        if marked:
            lab.disk.data["nodes"]["n3"]["offline"] = True
        verb(lab.desk(before=gone), job.id, "x", gone=() if marked else ["node3"])
        assert lab.jobs == []
        assert ("resume --gone node3" in failed.value.hint) is settle
        assert [t for t in lab.nodes.things if "node3" not in t] == (ALL[:3] if settle else [])


@pytest.mark.parametrize(("verb", "left"), [("undo", []), ("resume", ALL)])
def test_a_stop_is_obeyed_between_phases_and_can_be_resumed_or_undone(verb, left):
    lab = Lab()
    desk = lab.desk()
    desk.transport.after = lambda call: call.args.get("thing") == "web-a" and desk.stop.request()
    with pytest.raises(Interrupted) as stopped:
        driver.run(desk, Build(name="web"), WISH)
    (job,) = lab.jobs
    assert stopped.value.hint == f"gnt-job resume {job.id}, or gnt-job undo {job.id}"
    assert lab.nodes.things == ALL[:2]
    if verb == "undo":
        recover.undo(lab.desk(), job.id, "x")
    else:
        recover.resume(lab.desk(), job.id, "x")
    assert lab.jobs == [] and lab.nodes.things == left


def test_a_second_stop_leaves_within_a_step_and_says_how_to_go_on():
    lab = Lab()
    with pytest.raises(Interrupted, match="within a step") as stopped:
        driver.run(stopped_twice(lab, "web-a"), Build(name="web"), WISH)
    (job,) = lab.jobs
    assert stopped.value.hint == f"gnt-job resume {job.id}, or gnt-job undo {job.id}"
    recover.undo(lab.desk(), job.id, "x")
    assert lab.nodes.things == []


def test_a_cancelled_job_takes_back_what_it_did():
    lab = Lab()
    desk = lab.desk(after=lambda call: call.args.get("thing") == "web-a"
                    and recover.cancel(lab.desk(), lab.jobs[0].id))
    with pytest.raises(JobFailed, match="cancelled"):
        driver.run(desk, Build(name="web"), WISH)
    assert lab.nodes.things == [] and lab.jobs == []
    assert lab.disk.transactions[-1]["result"] == "cancelled"


def test_a_living_job_cannot_be_recovered():
    lab = Lab()

    def after(call):
        if call.args.get("thing") == "web-a" and call.task.endswith(".make"):
            with pytest.raises(Busy, match="lives"):
                recover.resume(lab.desk(), lab.jobs[0].id, "x")
            with pytest.raises(Busy, match="lives"):
                recover.undo(lab.desk(), lab.jobs[0].id, "x")

    driver.run(lab.desk(after=after), Build(name="web"), WISH)
    assert lab.nodes.things == ALL


def test_undo_keeps_what_another_job_reserved_meanwhile():
    lab = Lab()

    def other(call):
        if call.args.get("thing") == "web-b" and call.task.endswith(".make"):
            driver.run(lab.desk(), Build(name="db"), WISH)
            raise NodeFailed(call.node, "failed", "broke")

    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=other), Build(name="web"), WISH)
    assert lab.taken == 1
    assert all(":db-" in thing for thing in lab.nodes.things)


def test_secrets_are_not_recorded():
    lab = Lab()
    seen = []
    driver.run(lab.desk(committing=lambda change: seen.append(repr(change))),
               Build(name="web", secret_word="hunter2"), WISH)
    assert seen and not any("hunter2" in text for text in seen)


@node_task(deadline=600)
def slowly(thing):
    return script('sleep 9; touch "$1"', thing)


def test_phases_are_short_scripts_of_one_node_or_steps_side_by_side():
    a, b = step("node1", "a"), step("node1", "b")
    beside = step("node2", "c", beside=True)
    slow = Step(do=slowly.on("node1", "d"))
    got = [[item.index for item in phase]
           for phase in phases([a, b, a, beside, b, slow, a, b, step("node2", "x")], 10)]
    assert got == [[10, 11], [12, 13], [14], [15], [16, 17], [18]]


@pytest.mark.parametrize(("drops", "settle", "left", "verb"), [
    ("jobs", False, ALL, "resume"), ("state", True, ALL, "resume"),
])
def test_a_commit_that_fails_after_the_work_says_how_to_go_on(drops, settle, left, verb):
    lab = Lab()

    def refuse(change):
        ends = any(e.path.startswith("jobs/") and e.value is None for e in change.edits)
        passes = any(e.value and e.value.get("state") == "settling" for e in change.edits)
        if (drops == "jobs" and ends) or (drops == "state" and passes):
            raise NoMajority("1 of 3 master candidates answered, 2 are needed")

    with pytest.raises(JobFailed) as failed:
        driver.run(lab.desk(committing=refuse), Build(name="web", settle=settle), WISH)
    (job,) = lab.jobs
    assert f"gnt-job {verb} {job.id}" in failed.value.hint and "2 are needed" in str(failed.value)
    assert lab.nodes.things == left
    recover.resume(lab.desk(), job.id, "x")
    assert lab.jobs == []


def test_no_fence_is_left_when_a_job_is_recorded_as_ended():
    """Else a driver killed right after that record leaves some that nobody ever clears."""
    lab = Lab()
    cleared = []

    def look_at(change):
        if any(e.path.startswith("jobs/") and e.value is None for e in change.edits):
            cleared.append(list(desk.transport.cleared))

    desk = lab.desk(committing=look_at)
    job = driver.run(desk, Build(name="web"), WISH)
    with pytest.raises(JobFailed):
        desk = lab.desk(committing=look_at, before=failing("back-c"))
        driver.run(desk, Build(name="back"), WISH)
    ((fence, nodes),), ((_, others),) = cleared
    assert fence == job and nodes == others == ("node1", "node2", "node3")


def test_without_a_majority_nothing_begins():
    lab = Lab()

    def refuse(change):
        raise NoMajority("1 of 3 master candidates answered, 2 are needed")

    with pytest.raises(NoMajority):
        driver.run(lab.desk(committing=refuse), Build(name="web"), WISH)
    assert lab.nodes.things == [] and lab.jobs == [] and lab.nodes.owners == {}


def test_a_configuration_that_moves_is_planned_on_again():
    lab = Lab()
    other = lab.desk()
    times = [2]

    def moved(change):
        if times[0]:
            times[0] -= 1
            driver.run(other, Tag(), WISH)
            raise Stale("moved")

    driver.run(lab.desk(committing=moved), Build(name="web"), WISH)
    assert lab.nodes.things == ALL and lab.jobs == []
    assert [t["operation"] for t in lab.disk.transactions].count("toy tag") == 2


def test_a_driver_whose_job_was_taken_over_ends_nothing():
    """Its liveness lock was on a master that is none any more, so it looked dead."""
    lab = Lab()

    def taken(call):
        if call.args.get("thing") == "web-c":
            (job,) = lab.jobs
            lab.desk().store.commit(
                lambda cfg: transactions.changed(cfg, job.id, driver="other 1"))

    with pytest.raises(JobFailed, match="taken over by other 1"):
        driver.run(lab.desk(before=taken), Build(name="web"), WISH)
    (job,) = lab.jobs
    assert (job.driver, job.state) == ("other 1", "running")
    recover.resume(lab.desk(), job.id, "other 1")
    assert lab.nodes.things == ALL and lab.jobs == []


class Promote(Build, command="toy promote"):
    """Make node3 a master candidate, as the end of a job."""

    def plan(self, cfg, seen):
        node = cfg.node("node3").replace(master_candidate=True)
        return super().plan(cfg, seen).replace(end=(Edit(path="nodes/n3", value=to_data(node)),))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_new_candidate_is_given_what_the_others_have(stopped):
    """Whoever drives the job to its end: this process, a runner, or who resumes it."""
    lab, told = Lab(), []
    lab.disk.data["nodes"]["n3"]["master_candidate"] = False

    def desk():
        made = lab.desk()
        made.equip = lambda cfg: told.append([node.name for node in cfg.candidates])
        return made

    driver.run(desk(), Build(name="before"), WISH)
    assert told == []
    first = desk()
    if stopped:
        first.transport.after = lambda call: first.stop.request()
        with pytest.raises(Interrupted):
            driver.run(first, Promote(name="web"), WISH)
        assert told == []
        recover.resume(desk(), lab.jobs[0].id, "x")
    else:
        driver.run(first, Promote(name="web"), WISH)
    assert told == [["node1", "node2", "node3"]]
