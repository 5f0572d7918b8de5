"""Which transaction makes which part of a plan, and what is left to those who repair."""

from __future__ import annotations

import pytest

from gnt.engine import driver, recover
from gnt.engine.job import Wish
from gnt.errors import JobFailed, NodeFailed, NoMajority
from gnt.model.codec import to_data
from gnt.model.objects import Group
from gnt.plan import Edit, Plan, Step
from gnt.spec import Operation
from tests.engine.test_holds import Held, dead_job
from tests.engine.toys import WISH, Build, Lab, make, step


def planned(plan):
    class Given(Operation, command="toy given"):
        def plan(self, cfg, seen):
            return plan

    return Given()


def group(name, *tags):
    return Edit(path=f"groups/{name}", value=to_data(Group(uuid=name, name=name, tags=tags)))


def puts(transaction):
    return [put["path"] for put in transaction["put"]]


def test_each_part_of_a_plan_has_its_transaction():
    lab = Lab()
    job = driver.run(lab.desk(), planned(Plan(
        start=(group("a"),), attempt=(step("node1", "x"),), pivot=(group("b"),),
        end=(group("c"),))), WISH)
    begin, pivot, end = lab.disk.transactions
    assert puts(begin) == ["groups/a", f"jobs/{job}"]
    assert puts(pivot) == ["groups/b", f"jobs/{job}"]
    assert pivot["put"][1]["value"]["state"] == "settling"
    assert puts(end) == ["groups/c"]
    assert [t["result"] for t in (begin, pivot, end)] == ["", "", "success"]
    assert [t["job"] for t in (begin, pivot, end)] == ["", job, job]


def test_without_an_attempt_there_is_nothing_to_take_back():
    lab = Lab()
    seen = []
    desk = lab.desk(before=lambda call: seen.extend(lab.jobs))
    job = driver.run(desk, planned(Plan(
        start=(group("a"),), pivot=(group("b"),), settle=(step("node1", "x"),),
        end=(group("c"),))), WISH)
    begin, end = lab.disk.transactions
    assert puts(begin) == ["groups/a", "groups/b", f"jobs/{job}"] and puts(end) == ["groups/c"]
    (record, *_) = seen
    assert (record.state, record.restore) == ("settling", ()) and "pivot" not in record.plan


def test_a_plan_without_steps_is_one_transaction_of_all_parts():
    lab = Lab()
    begun = []
    assert driver.run(lab.desk(), planned(Plan(
        start=(group("a"), group("b")), pivot=(group("b", "x"),), end=(group("c"),))),
        WISH.replace(reason="so"), begun=begun.append) == ""
    (done,) = lab.disk.transactions
    assert puts(done) == ["groups/a", "groups/b", "groups/c"] and begun == ["2"]
    assert (done["job"], done["result"], done["reason"]) == ("", "success", "so")
    assert lab.disk.config().one(Group, "b").tags == ("x",)


def test_a_job_is_recorded_with_all_that_was_wished_for():
    lab = Lab()
    seen = []
    desk = lab.desk(before=lambda call: seen.extend(lab.jobs))
    wish = Wish(author="ann", driver="h 1", reason="so", priority=-10)
    driver.run(desk, Build(name="web"), wish)
    record = seen[0]
    assert (record.author, record.driver, record.reason, record.priority) == (
        "ann", "h 1", "so", -10)
    assert (record.received, record.started, record.state) == (1000.0, 1000.0, "running")
    assert (record.exclusive, record.shared) == (("tags/web",), ("networks/net",))
    assert all(t["reason"] == "so" for t in lab.disk.transactions)


def test_a_resumed_waiter_keeps_what_was_wished_for():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    desk.transport.wait_owner = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    wish = Wish(author="ann", driver="h 1", reason="so", priority=10)
    with pytest.raises(KeyboardInterrupt):
        driver.run(desk, Build(name="web", settle=True), wish)
    desk.transport.die()
    held.finish()
    (dead,) = lab.jobs
    seen = []
    recover.resume(lab.desk(before=lambda call: seen.extend(lab.jobs)), dead.id, "other 2")
    record = seen[-1]
    assert (record.id, record.author, record.driver, record.reason, record.priority) == (
        dead.id, "ann", "other 2", "so", 10)
    assert "node3:web-e" in lab.nodes.things and lab.jobs == []


def test_orphans_are_waited_for_where_a_step_or_its_undo_may_run():
    lab = Lab()
    plan = Plan(attempt=(Step(do=make.on("node1", "a"), undo=make.on("node2", "b")),))
    desk = lab.desk(before=lambda call: (_ for _ in ()).throw(SystemExit)
                    if call.args.get("thing") == "a" else None)
    with pytest.raises(SystemExit):
        driver.run(desk, planned(plan), WISH)
    desk.transport.die()
    (job,) = lab.jobs
    again = lab.desk()
    recover.undo(again, job.id, "x")
    assert again.transport.fenced == [(job.id, ("node1", "node2"))]
    assert lab.disk.transactions[-1]["result"] == "undone: on request"


def test_where_all_nodes_of_a_plan_are_gone_no_orphan_is_waited_for():
    lab = Lab()
    job = dead_job(lab)
    desk = lab.desk()
    recover.undo(desk, job.id, "x", gone=["node1", "node2", "node3"])
    assert desk.transport.fenced == [] and lab.jobs == []


def test_a_record_that_cannot_be_taken_over_is_left_as_it_was():
    lab = Lab()
    job = dead_job(lab)

    def refuse(change):
        raise NoMajority("nobody answers")

    with pytest.raises(NoMajority):
        recover.resume(lab.desk(committing=refuse), job.id, "x")
    assert lab.jobs == [job] and lab.nodes.owners == {}


def test_who_resumes_what_could_not_be_undone_makes_it_running_again():
    lab = Lab()
    job = dead_job(lab)
    lab.disk.data["jobs"][job.id]["state"] = "undoing"
    states = []
    recover.resume(lab.desk(before=lambda call: states.extend(j.state for j in lab.jobs)),
                   job.id, "x")
    assert set(states) == {"running"} and lab.jobs == []


def test_an_undone_job_says_so_with_its_reason():
    lab = Lab()
    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=lambda call: (_ for _ in ()).throw(
            NodeFailed(call.node, "failed", "broke")) if call.task.endswith(".make") else None),
            Build(name="web"), WISH)
    assert lab.disk.transactions[-1]["operation"] == "toy build"
    assert lab.disk.config().get(Group, "web") is None




def test_a_resumed_job_takes_back_also_what_the_one_before_may_have_done():
    """Its first step fails now; the dead driver had come as far as the last."""
    lab = Lab()
    job = dead_job(lab)
    lab.nodes["node3"].things.add("web-d")
    with pytest.raises(JobFailed):
        recover.resume(lab.desk(before=lambda call: (_ for _ in ()).throw(
            NodeFailed(call.node, "failed", "broke")) if call.args.get("thing") == "web-a"
            and call.task.endswith(".make") else None), job.id, "x")
    assert lab.nodes.things == [] and lab.jobs == []
