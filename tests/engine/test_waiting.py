"""What changes while a job waits, or while it looks whether it still must."""

from __future__ import annotations

import pytest

from gnt.engine import driver, recover
from gnt.engine import job as transactions
from gnt.engine.ports import Change
from gnt.errors import Busy, JobFailed, NodeFailed, NoMajority
from gnt.model.codec import to_data
from gnt.model.objects import Job
from gnt.plan import Edit
from tests.engine.test_holds import Held, background, dead_job, waiting_for
from tests.engine.toys import WISH, Build, Lab


def dead_waiter(lab, name="web"):
    """A job whose driver died while it waited for another."""
    desk = lab.desk()
    desk.transport.wait_owner = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run(desk, Build(name=name), WISH)
    desk.transport.die()
    return lab.jobs[-1]


def put(lab, job):
    """Record a job as its driver would."""
    lab.desk().store.commit(lambda cfg: Change(
        edits=(Edit(path=f"jobs/{job.id}", value=to_data(job)),), operation=job.operation,
        job=job.id))


def drop(lab, job_id):
    lab.desk().store.commit(lambda cfg: Change(
        edits=(Edit(path=f"jobs/{job_id}"),), operation="toy end", job=job_id, result="success"))
    with lab.nodes.changed:
        del lab.nodes.owners[job_id]
        lab.nodes.changed.notify_all()


def waiting(lab):
    return [job for job in lab.jobs if job.state == "waiting"]


def test_a_waiting_job_does_not_take_itself_for_cancelled():
    """What was read before it was recorded, to bury the dead, does not know of it yet."""
    lab = Lab()
    held = Held(lab)
    dead = dead_waiter(lab)
    thread, result = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 2)
    held.finish()
    thread.join(20)
    assert result == [str(int(dead.id) + 1)]
    assert lab.jobs == [dead] and lab.taken == 2


def test_who_has_looked_just_now_when_a_job_ends_does_not_wait_for_it():
    lab = Lab()
    held = Held(lab)
    desk, reads = lab.desk(), []
    read = desk.store.read

    def counted():
        reads.extend(waiting(lab))
        if len(reads) == 2:  # it has looked once since it was recorded
            held.finish()
        return read()

    desk.store.read = counted
    assert driver.run(desk, Build(name="web"), WISH) == str(int(held.job.id) + 1)
    assert len(reads) >= 2
    assert [what for what, *_ in desk.listener.heard if what == "waiting"] == []
    assert lab.jobs == [] and lab.taken == 2


def test_who_comes_first_in_the_last_moment_is_waited_for():
    """Between the questions and the commit somebody with a higher priority has begun."""
    lab = Lab()
    held = Held(lab)
    first = Job(id="900", operation="toy build", params={}, author="a", driver="d",
                state="running", exclusive=("tags/web",))

    def overtaken(call):
        if call.task.endswith(".look") and not held.thread.is_alive() and "900" not in seen:
            seen.append("900")
            lab.nodes.owners["900"] = object()
            put(lab, first)

    def wait_owner(master, job, deadline):
        seen.append(f"waited for {job}")
        if job == "900":
            drop(lab, job)
        else:
            held.finish()
        return True

    seen = []
    desk = lab.desk(before=overtaken)
    desk.transport.wait_owner = wait_owner
    job = driver.run(desk, Build(name="web"), WISH)
    assert seen == [f"waited for {held.job.id}", "900", "waited for 900"]
    assert [heard for heard in desk.listener.heard if heard[0] == "waiting"] == [
        ("waiting", job, (held.job.id,)), ("waiting", job, ("900",))]
    assert lab.jobs == [] and lab.taken == 2


def test_whom_it_waits_for_is_said_once():
    lab = Lab()
    held = Held(lab)
    desk, waits = lab.desk(), []

    def impatient(master, job, deadline):
        waits.append(deadline)
        if len(waits) == 3:
            held.finish()
        return False

    desk.transport.wait_owner = impatient
    job = driver.run(desk, Build(name="web"), WISH)
    assert [heard for heard in desk.listener.heard if heard[0] == "waiting"] == [
        ("waiting", job, (held.job.id,))]
    assert waits == [60.0] * 3


def test_a_dead_waiter_is_undone_by_forgetting_it():
    lab = Lab()
    held = Held(lab)
    dead = dead_waiter(lab)
    held.finish()
    before = lab.nodes.things
    assert recover.undo(lab.desk(), dead.id, "me") == []
    assert lab.jobs == [] and lab.nodes.things == before
    assert (lab.disk.transactions[-1]["job"], lab.disk.transactions[-1]["result"]) == (
        dead.id, "cancelled")


def test_a_waiter_that_cannot_even_be_withdrawn_says_why_it_failed():
    lab = Lab()
    held = Held(lab)

    class Fussy(Build, command="toy fussier"):
        def plan(self, cfg, seen):
            if cfg.state.find("group.name", "web"):
                raise NodeFailed("node1", "failed", "web is there already")
            return super().plan(cfg, seen)

    def refuse(change):
        if change.result.startswith("failed"):
            raise NoMajority("nobody answers")

    thread, result = background(
        driver.run, lab.desk(committing=refuse), Fussy(name="web"), WISH)
    waiting_for(lab, 1)
    held.finish()
    thread.join(20)
    assert isinstance(result[0], NodeFailed) and "there already" in str(result[0])
    assert [job.state for job in lab.jobs] == ["waiting"]
    assert lab.nodes.owners == {}


def test_a_waiter_whose_questions_cannot_be_asked_gives_its_turn_back():
    """The turn of its commit had been asked for together with them."""
    lab = Lab()
    held = Held(lab)
    desk, given = lab.desk(), []
    ask = desk.transport.ask

    def cut(calls):
        if not held.thread.is_alive():
            raise NoMajority("the line is cut")
        return ask(calls)

    def wait_owner(master, job, deadline):
        held.finish()
        return True

    desk.transport.ask, desk.transport.wait_owner = cut, wait_owner
    desk.store.give_turn = lambda: given.append(desk.store.turn)
    with pytest.raises(NoMajority):
        driver.run(desk, Build(name="web"), WISH)
    assert given == [True] and lab.jobs == []


def test_a_new_record_is_named_by_its_own_serial():
    """Which is not known before the turn is ours, so the change does not say it."""
    cfg, build = Lab().disk.config(), Build(name="web")
    job = transactions.born(cfg, build, build.holds(cfg), WISH, 5.0)
    queued = transactions.queue(job)
    assert [edit.path for edit in queued.edits] == ["jobs/@"] and queued.job == ""
    assert job.id == str(cfg.serial + 1) and job.state == "waiting"


def test_a_job_that_somebody_took_over_while_it_waited_is_left_to_them():
    lab = Lab()
    held = Held(lab)
    thread, result = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    mine = waiting(lab)[0]
    lab.desk().store.commit(
        lambda cfg: transactions.changed(cfg, mine.id, driver="somebody else"))
    held.finish()
    thread.join(20)
    assert "taken over by somebody else" in str(result[0])
    assert [(job.id, job.driver) for job in lab.jobs] == [(mine.id, "somebody else")]


def test_an_orphan_past_its_point_of_no_return_is_only_resumed():
    lab = Lab()
    dead = dead_job(lab)
    lab.disk.data["jobs"][dead.id]["state"] = "settling"
    with pytest.raises(Busy, match=r"holds tag web, but its driver .here 1. is gone") as told:
        driver.run(lab.desk(), Build(name="web"), WISH)
    assert told.value.hint == f"gnt-job resume {dead.id}"


def test_a_cancelled_waiter_leaves_the_record_of_nobody_else():
    lab = Lab()
    held = Held(lab)
    thread, result = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    commits = lab.disk.serial
    recover.cancel(lab.desk(), waiting(lab)[0].id)
    held.finish()
    thread.join(20)
    assert isinstance(result[0], JobFailed)
    ours = [t for t in lab.disk.transactions if t["serial"] > commits and t["job"] != held.job.id]
    assert [t["result"] for t in ours] == ["cancelled"]
