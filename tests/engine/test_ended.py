"""What people are told of jobs that are pending or have ended, and what they do with them."""

from __future__ import annotations

import time

import pytest

from gnt.engine import driver, recover
from gnt.engine.finished import finished
from gnt.engine.follow import read_log
from gnt.engine.jobs import LOOK, Jobs
from gnt.errors import Busy, NotFound
from gnt.plan import Edit, Plan
from tests.engine.test_holds import Held, background, dead_job, waiting_for
from tests.engine.test_jobs import Person, office
from tests.engine.toys import WISH, Build, Lab, Tag


def local(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def test_a_pending_job_is_described_in_full():
    lab = Lab()
    held = Held(lab)
    wish = WISH.replace(reason="for fun", priority=10, depends=(held.job.id,))
    thread, _ = background(driver.run, lab.desk(), Build(name="web"), wish)
    waiting_for(lab, 1)
    assert office(lab).details("3") == {
        "id": "3", "operation": "toy build", "state": "waiting", "driver": "here 1 (lives)",
        "author": "tester", "priority": 10, "reason": "for fun", "received": local(1000.0),
        "started": "-", "parameters": {"name": "web"}, "holds": ["tag web"],
        "shares": ["network net"], "depends": [held.job.id], "plan": []}
    running = office(lab).details(held.job.id)
    assert running["started"] == running["received"] == local(1000.0)
    held.finish()
    thread.join(20)
    dead = dead_job(lab).id
    assert office(lab).details(dead)["driver"] == "here 1 (gone)"
    jobs = office(lab)
    jobs.desk.transport.owned = lambda master, jobs: {}  # nobody has heard of it
    assert jobs.details(dead)["driver"] == "here 1 (gone)"


def test_an_ended_job_is_described_in_full():
    lab = Lab()
    job = driver.run(lab.desk(), Build(name="web"), WISH.replace(reason="for fun", priority=-10))
    assert office(lab).details(job) == {
        "id": job, "operation": "toy build", "author": "tester", "reason": "for fun",
        "result": "success", "archived": False, "priority": -10, "parameters": {"name": "web"},
        "began": local(2.0), "started": local(1000.0), "ended": local(3.0)}
    lab.disk.transactions.append(txn(9, operation="group add", note="web", result="success"))
    assert office(lab).details("9") == {
        "id": "9", "operation": "group add", "author": "ann", "reason": "", "result": "success",
        "archived": False, "about": "web", "began": local(109.0), "started": "-",
        "ended": local(109.0)}
    driver.run(lab.desk(), Tag(), WISH)
    assert office(lab).details("4") == {
        "id": "4", "operation": "toy tag", "author": "tester", "reason": "", "result": "success",
        "archived": False, "parameters": {}, "began": local(4.0), "started": "-",
        "ended": local(4.0)}


def txn(serial, **more):
    return {"serial": serial, "time": 100.0 + serial, "who": "ann", "operation": "toy build",
            "job": "", "reason": "", "result": "", "note": "", **more}


def recorded(job, **more):
    return ({"path": "groups/g", "value": {}}, {"path": f"jobs/{job}", "value": more})


def test_the_history_is_told_in_full():
    """Newest first: an archiving, one that did it at once, a waiter, one still pending."""
    told = finished([
        txn(9, operation="job archive", note="5 3"),
        txn(8, job="7", put=recorded("7")),
        txn(7, put=recorded("7")),
        txn(6, operation="toy tag", note="web", result="success", reason="why"),
        txn(5, job="3", result="undone: broke", who="bob"),
        txn(4, job="3", put=recorded("3", params={"name": "web"}, priority=10, started=5.0)),
        txn(3, put=recorded("3", params={"name": "web"}, priority=0), reason="first"),
        txn(2, operation="cluster init"),
    ])
    assert told == [
        {"id": "6", "operation": "toy tag", "author": "ann", "reason": "why", "result": "success",
         "began": 106.0, "ended": 106.0, "archived": False, "params": {}, "about": "web"},
        {"id": "3", "operation": "toy build", "author": "bob", "reason": "",
         "result": "undone: broke", "began": 103.0, "ended": 105.0, "archived": True,
         "params": {"name": "web"}, "about": "", "priority": 10, "started": 5.0},
    ]


def test_a_history_with_gaps_is_told_as_far_as_it_goes():
    bare = {"serial": 4, "who": "ann", "operation": "toy build", "job": "3", "result": "success"}
    first = {"serial": 3, "who": "ann", "operation": "toy build",
             "put": [{"path": "jobs/3", "value": {}}]}
    (told,) = finished([bare, first])
    assert told == {
        "id": "3", "operation": "toy build", "author": "ann", "reason": "", "result": "success",
        "began": None, "ended": None, "archived": False, "params": {}, "about": "",
        "priority": 0, "started": None}
    (alone,) = finished([bare])
    assert "priority" not in alone and alone["began"] is None
    (at_once,) = finished([{"serial": 3, "who": "a", "operation": "o", "result": "success"}])
    assert (at_once["id"], at_once["about"], at_once["began"]) == ("3", "", None)


def test_jobs_of_some_age_are_archived_together():
    lab = Lab()
    for name in ("a", "b", "c"):
        driver.run(lab.desk(), Build(name=name), WISH)  # they end at 3, 5 and 7
    jobs = office(lab)
    assert jobs.autoarchive(998) == 0  # the toys' clock stands at 1000
    assert jobs.autoarchive(995) == 2
    assert lab.disk.transactions[-1]["note"] == "4 2"
    assert lab.disk.transactions[-1]["operation"] == "job archive"
    assert [job["archived"] for job in jobs.finished()] == [False, True, True]
    assert jobs.autoarchive(0) == 1 and jobs.autoarchive(0) == 0
    serial = lab.disk.serial
    assert jobs.archive([]) == 0 and lab.disk.serial == serial


def test_what_ended_at_no_known_time_ended_long_ago():
    lab = Lab()
    driver.run(lab.desk(), Build(name="a"), WISH)
    for transaction in lab.disk.transactions:
        del transaction["time"]
    jobs = office(lab)
    assert jobs.autoarchive(1001) == 0  # the toys' clock stands at 1000
    assert jobs.autoarchive(1000) == 1


def test_the_newest_of_the_history_can_be_had_alone():
    lab = Lab()
    for name in ("a", "b"):
        driver.run(lab.desk(), Build(name=name), WISH)
    assert [job["id"] for job in office(lab).finished(2)] == ["4"]
    assert [job["id"] for job in office(lab).finished()] == ["4", "2"]


def test_a_log_is_shown_piece_by_piece_however_its_letters_are_coded():
    lab = Lab()
    held = Held(lab)
    log = [b""]

    def logged(node, call):
        if call.task == read_log.name:
            asked.append(call.args["position"])
            return log[0][call.args["position"] - 1:].decode()
        return ""

    asked, waits = [], []
    jobs = Jobs(lab.desk(effects=logged), Person(), "here 9")

    def wait_owner(master, job, deadline):
        waits.append(deadline)
        log[0] += f"schön {len(waits)}\n".encode()
        if len(waits) == 3:
            held.finish()
            return True
        return False

    jobs.desk.transport.wait_owner = wait_owner
    assert jobs.watch(held.job.id) == 0
    assert asked == [1, 1, 10, 19] and waits == [LOOK] * 3
    assert jobs.front.said == ["schön 1", "schön 2", "schön 3",
                               f"job {held.job.id} (toy build): success"]


def test_what_people_undo_is_told_line_by_line():
    lab = Lab()
    job = dead_job(lab)
    jobs = office(lab)
    assert jobs.undo(job.id) == 0
    assert jobs.front.said == [f"undone: {node}: tests.engine.toys.unmake thing=web-{letter}"
                               for node, letter in (("node3", "d"), ("node2", "c"),
                                                    ("node1", "b"), ("node1", "a"))]


def test_who_repairs_a_job_is_its_driver_from_then_on():
    lab = Lab()
    job = dead_job(lab)
    seen = []
    jobs = office(lab)
    jobs.desk.transport.before = lambda call: seen.extend(one.driver for one in lab.jobs)
    assert jobs.resume(job.id) == 0
    assert set(seen) == {"here 9"}


def test_an_orphan_past_its_point_of_no_return_is_waited_for_in_vain():
    lab = Lab()
    dead = dead_job(lab)
    lab.disk.data["jobs"][dead.id]["state"] = "settling"
    with pytest.raises(Busy, match="is gone; the job is settling") as told:
        office(lab).wait(dead.id)
    assert told.value.hint == f"gnt-job resume {dead.id}"


def test_what_becomes_of_a_cancelled_job_is_said():
    lab = Lab()
    held = Held(lab)
    thread, _ = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    jobs = office(lab)
    assert jobs.cancel("3") == "job 3 is cancelled; it had not begun"
    assert jobs.cancel(held.job.id) == (
        f"job {held.job.id} will stop after its current step and take back what it did")
    held.finish()
    thread.join(20)
    assert lab.jobs == [] and len(lab.disk.transactions) == 4


def test_a_job_is_waited_for_as_long_as_its_driver_lives():
    lab = Lab()
    held = Held(lab)
    desk, waits = lab.desk(), []

    def wait_owner(master, job, deadline):
        waits.append((master, job, deadline))
        if len(waits) == 2:
            held.finish()
        return False

    desk.transport.wait_owner = wait_owner
    assert recover.wait(desk, held.job.id) is None
    assert waits == [("node1", held.job.id, 60.0)] * 2


def test_a_driver_that_was_only_late_is_waited_for():
    """Between the look at the record and that at the lock somebody else has resumed the job."""
    lab = Lab()
    dead = dead_job(lab)
    desk, looks = lab.desk(), []
    owned = desk.transport.owned

    def again(master, jobs):
        looks.append(master)
        if len(looks) == 2:
            lab.nodes.owners[dead.id] = object()
        return owned(master, jobs)

    def wait_owner(master, job, deadline):
        del lab.nodes.owners[dead.id]
        recover.undo(lab.desk(), dead.id, "other")
        return True

    desk.transport.owned, desk.transport.wait_owner = again, wait_owner
    assert recover.wait(desk, dead.id) is None
    assert len(looks) == 2


def test_only_one_without_a_driver_is_asked_for_once_more():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    jobs = Jobs(desk, Person(), "me")
    desk.trips.clear()
    assert jobs.alive([held.job.id]) == {held.job.id: True}
    assert desk.trips == ["read", "owned"]
    held.finish()
    desk.trips.clear()
    assert jobs.alive([held.job.id]) == {} and desk.trips == ["read", "owned", "read"]


def test_a_job_nobody_knows_is_looked_for_where_people_find_some():
    with pytest.raises(NotFound, match="no job 77") as told:
        office(Lab()).wait("77")
    assert told.value.hint == "gnt-job list"
    lab = Lab()
    driver.run(lab.desk(), Build(name="web"), WISH)
    with pytest.raises(NotFound):
        office(lab).archive(["2", "78"])
    assert not office(lab).finished()[0]["archived"]


def test_an_offline_node_is_not_asked_for_left_locks():
    lab = Lab()
    job = driver.run(lab.desk(), Build(name="web"), WISH)
    lab.disk.data["nodes"]["n3"]["offline"] = True
    jobs, asked = office(lab), []
    jobs.desk.transport.after = lambda call: asked.append((call.node, call.task, call.args["job"]))
    assert jobs.resume(job) == 0
    assert asked == [(node, "engine.follow.sweep", job) for node in ("node1", "node2")]


def test_an_edit_alone_is_told_as_a_job_of_the_serial():
    lab, begun = Lab(), []

    class Named(Tag, command="toy named"):
        def plan(self, cfg, seen):
            return Plan(start=(Edit(path="groups/t", value={"uuid": "t", "name": "t"}),))

    driver.run(lab.desk(), Named(), WISH, begun=begun.append)
    driver.run(lab.desk(), Build(name="web"), WISH, begun=begun.append)
    assert begun == ["2", "3"] and [job["id"] for job in office(lab).finished()] == ["3", "2"]
