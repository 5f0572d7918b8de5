"""Who comes before whom, and what transport and store are told on the way to a begun job."""

from __future__ import annotations

import os

import pytest

from gnt.engine import door, driver
from gnt.engine import job as transactions
from gnt.engine.begin import LOOK, WAIT
from gnt.engine.desk import Life
from gnt.engine.holds import Claim, crowd, kind_of, obstacles
from gnt.engine.together import DeskOfMany, Questions
from gnt.errors import Busy, Conflict
from gnt.model.codec import to_data
from gnt.model.objects import Job
from gnt.spec import Holds
from tests.engine.test_holds import Held, background, dead_job, waiting_for
from tests.engine.test_room import room_for
from tests.engine.toys import WISH, Both, Build, Ear, Knowing, Lab, look


def recorded(lab, *jobs):
    """Jobs in the configuration: (id, state, priority, object held)."""
    for number, state, priority, thing in jobs:
        lab.disk.data.setdefault("jobs", {})[number] = to_data(Job(
            id=number, operation="o", params={}, author="a", driver="d", state=state,
            priority=priority, exclusive=(thing,) if thing else ()))
    return lab.disk.config()


def ids(found):
    return [one.job.id for one in found]


def test_begun_jobs_come_first_then_by_priority_then_by_age():
    cfg = recorded(Lab(), ("9", "waiting", 0, "x"), ("10", "waiting", -10, "x"),
                   ("11", "running", 10, "x"), ("12", "settling", 0, "x"),
                   ("13", "undoing", 0, "x"),
                   ("8", "waiting", 10, "x"), ("100", "running", 0, "y"))
    claim = Claim(holds=Holds(exclusive=("x",)), id="14", priority=0)
    assert ids(obstacles(cfg, claim)) == ["12", "13", "11", "10", "9"]
    assert [one.over for one in obstacles(cfg, claim)] == [("x",)] * 5
    assert [one.begun for one in obstacles(cfg, claim)] == [True] * 3 + [False] * 2
    assert ids(obstacles(cfg, claim, gone={"10", "11"})) == ["12", "13", "11", "9"]
    assert ids(obstacles(cfg, claim.replace(id="9"))) == ["12", "13", "11", "10"]
    assert ids(obstacles(cfg, claim.replace(priority=-10, id="9"))) == ["12", "13", "11"]
    assert ids(obstacles(cfg, claim.replace(priority=10, id=""))) == [
        "12", "13", "11", "10", "9", "8"]
    assert obstacles(cfg, Claim(holds=Holds(exclusive=("z",)))) == []


def test_who_depends_on_a_job_waits_for_it_whatever_its_place():
    cfg = recorded(Lab(), ("7", "waiting", 10, ""), ("9", "running", 0, ""))
    claim = Claim(holds=Holds(), depends=("7", "9:success"), id="5")
    assert [(one.job.id, one.over) for one in obstacles(cfg, claim)] == [
        ("9", ("depends",)), ("7", ("depends",))]


def test_the_room_is_taken_by_begun_jobs_with_a_driver():
    lab = Lab()
    room_for(lab, 3)
    cfg = recorded(lab, ("9", "running", 0, "x"), ("10", "settling", 0, "x"),
                   ("11", "waiting", 0, "x"), ("8", "undoing", 0, "x"))
    claim = Claim(holds=Holds(), id="11")
    assert ids(crowd(cfg, claim)) == ["8", "9", "10"]
    assert {one.over for one in crowd(cfg, claim)} == {("max_running_jobs",)}
    assert crowd(cfg, claim, gone={"9"}) == []
    assert crowd(cfg, claim.replace(id="9")) == []
    lab = Lab()
    room_for(lab, 2)
    assert ids(crowd(recorded(lab, ("9", "running", 0, "x"), ("10", "settling", 0, "x"),
                              ("11", "running", 0, "x")), claim.replace(id="11"))) == ["9", "10"]


@pytest.mark.parametrize(("result", "kind"), [
    ("success", "success"), ("successful", "error"), ("cancelled", "canceled"),
    ("canceled", "canceled"), ("undone: cancel", "error"), ("", "error")])
def test_kinds_of_results(result, kind):
    assert kind_of(result) == kind


def test_room_is_looked_for_more_often_than_a_job_s_end():
    lab = Lab()
    room_for(lab, 1)
    held = Held(lab)
    waits = []
    desk = lab.desk()

    def wait_owner(master, job, deadline):
        waits.append((master, job, deadline))
        held.finish()
        return True

    desk.transport.wait_owner = wait_owner
    driver.run(desk, Build(name="db"), WISH)
    assert waits == [("node1", held.job.id, LOOK)] and LOOK < WAIT


def test_who_depends_on_nothing_reads_no_history():
    lab = Lab()
    desk, reads = lab.desk(), []
    desk.store.history = lambda **more: reads.append(1) or []
    driver.run(desk, Build(name="web"), WISH)
    assert reads == [] and "owned" not in desk.trips


def test_all_that_another_holds_of_ours_is_named():
    lab = Lab()
    held = Held(lab)
    lab.disk.data["jobs"][held.job.id]["exclusive"] = ["tags/web", "groups/g", "groups/z"]
    with pytest.raises(Busy, match=r"holds group default, tag web$"):
        driver.run(lab.desk(), Both(name="x"), WISH.replace(wait=False))
    held.finish()
    dead = dead_job(lab)
    lab.disk.data["jobs"][dead.id]["exclusive"] = ["tags/web", "groups/g"]
    with pytest.raises(Busy, match=r"holds group default, tag web, but its driver"):
        driver.run(lab.desk(), Both(name="x"), WISH)


def test_the_same_question_is_asked_once():
    class Twice(Build, command="toy twice"):
        def facts(self, cfg):
            return [look.on("node2", "x"), look.on("node1", "x"), look.on("node2", "x")]

    lab = Lab()
    desk, asked = lab.desk(), []
    desk.transport.before = lambda call: asked.append(call.node) if call.task.endswith(
        ".look") else None
    driver.run(desk, Twice(name="web"), WISH)
    assert asked == ["node2", "node1"]


def test_a_turn_taken_for_what_is_refused_is_given_back():
    class Never(Build, command="toy never"):
        def plan(self, cfg, seen):
            raise Conflict("not today")

    lab = Lab()
    desk = lab.desk()
    given = []
    desk.store.commit = lambda make, **_: make(lab.disk.config())
    desk.store.give_turn = lambda: given.append(desk.store.turn)
    with pytest.raises(Conflict):
        driver.run(desk, Never(name="web"), WISH)
    assert given == [True] and lab.nodes.owners == {}


def test_one_lock_at_a_time_is_held():
    lab = Lab()
    transport = lab.desk().transport
    with Life(transport) as life:
        life.begin("node1", "7")
        life.begin("node1", "7")
        assert list(lab.nodes.owners) == ["7"] and transport.trips == ["own"]
        life.begin("node1", "8")
        assert list(lab.nodes.owners) == ["8"]
        life.begin("node2", "8")
        assert (life.master, life.job) == ("node2", "8") and len(transport.trips) == 3
        life.end()
        assert lab.nodes.owners == {} and (life.master, life.job) == ("", "")
        life.begin("node1", "7")
    assert lab.nodes.owners == {}


def test_a_state_that_was_read_just_now_is_read_once():
    desk = Lab().desk()
    read = desk.read()
    assert desk.first() is read and desk.trips == ["read"]
    assert desk.first() is not read and desk.trips == ["read", "read"]
    read = desk.read()
    desk.outdated()  # this process has made another node the master
    assert desk.first() is not read and desk.trips == ["read"] * 4


def test_one_of_many_reads_always_and_keeps_only_the_lock_s_connection():
    lab = Lab()
    plain = lab.desk()
    desk = DeskOfMany(plain.store, plain.transport, Ear())
    desk.questions = Questions(lab.desk().transport)
    knowing = Knowing(desk)
    first = desk.read()
    assert desk.first() is not first and plain.trips == ["read", "read"]
    desk.approach(first)
    assert knowing.warmed == [([], "node1")] and len(knowing.known) == 3
    call = look.on("node1", "x")
    assert desk.ask(first, [call]) == {call.key: ""} and "ask" not in plain.trips


def test_a_listener_hears_whom_a_job_waits_for_in_order():
    lab = Lab()
    held = Held(lab)
    desks, threads = [], []
    for number in range(2):
        desks.append(lab.desk())
        threads.append(background(driver.run, desks[-1], Build(name="web"), WISH)[0])
        waiting_for(lab, number + 1)
    first = str(int(held.job.id) + 1)
    for _ in range(2000):
        if desks[1].listener.heard:
            break
        threads[1].join(0.005)
    held.finish()
    for thread in threads:
        thread.join(20)
    assert desks[1].listener.heard[0] == (
        "waiting", str(int(first) + 1), (held.job.id, first))


def test_who_may_not_wait_is_told_how_to():
    lab = Lab()
    held = Held(lab)
    with pytest.raises(Busy) as busy:
        driver.run(lab.desk(), Build(name="web"), WISH.replace(wait=False))
    assert busy.value.hint == f"gnt-job wait {held.job.id}, or leave out --no-wait"
    held.finish()
    assert transactions.found(lab.disk.config(), held.job.id) is None


def test_a_runner_tells_who_started_it_that_it_listens():
    hear, say = os.pipe()
    door.ready(say)
    assert os.read(hear, 9) == b"\n" and os.read(hear, 9) == b""
    os.close(hear)
