"""Jobs that want the same objects: who waits, in which order, and for whom nobody waits."""

from __future__ import annotations

import threading

import pytest

from gnt.engine import driver, recover
from gnt.engine.desk import Life
from gnt.engine.holds import Claim, obstacles
from gnt.errors import Busy, Conflict, JobFailed, NodeFailed
from gnt.model.codec import to_data
from gnt.model.objects import Job
from gnt.spec import Holds
from tests.engine.toys import WISH, Build, Lab


class Gate:
    """Stops a driver at a step until it is opened."""

    def __init__(self, thing):
        self.thing = thing
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, call):
        if call.args.get("thing") == self.thing and call.task.endswith(".make"):
            self.reached.set()
            assert self.open.wait(20)


def background(work, *arguments):
    result = []

    def run():
        try:
            result.append(work(*arguments))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, result


def waiting_for(lab, number):
    """Block until that many jobs are recorded as waiting."""
    tick = threading.Event()
    for _ in range(4000):
        if len([j for j in lab.jobs if j.state == "waiting"]) >= number:
            return
        tick.wait(0.005)
    raise AssertionError(f"there are not {number} that wait")


class Held:
    """A running job that holds ``web``, and its driver."""

    def __init__(self, lab):
        self.gate = Gate("web-c")
        self.desk = lab.desk(before=self.gate)
        self.thread, self.result = background(driver.run, self.desk, Build(name="web"), WISH)
        assert self.gate.reached.wait(20)
        (self.job,) = lab.jobs

    def finish(self):
        self.gate.open.set()
        self.thread.join(20)


def test_without_waiting_it_is_busy_and_names_job_and_object():
    lab = Lab()
    held = Held(lab)
    with pytest.raises(Busy) as busy:
        driver.run(lab.desk(), Build(name="web"), WISH.replace(wait=False))
    assert f"job {held.job.id} (toy build) holds tag web" in str(busy.value)
    assert len(lab.jobs) == 1
    held.finish()


def test_a_shared_hold_is_no_obstacle():
    lab = Lab()
    held = Held(lab)
    driver.run(lab.desk(), Build(name="db"), WISH)
    held.finish()
    assert lab.taken == 2


def test_it_waits_and_then_runs_on_what_the_other_left():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    thread, result = background(driver.run, desk, Build(name="web"), WISH)
    waiting_for(lab, 1)
    assert ("waiting", lab.jobs[1].id, (held.job.id,)) in desk.listener.heard or thread.is_alive()
    held.finish()
    thread.join(20)
    assert result == [str(int(held.job.id) + 1)]
    assert lab.jobs == [] and lab.taken == 2
    assert lab.nodes.owners == {}


def test_the_higher_priority_goes_first():
    lab = Lab()
    held = Held(lab)
    order = []

    def run(name, priority):
        desk = lab.desk(before=lambda call: order.append(name)
                        if call.args.get("thing") == "web-a" else None)
        driver.run(desk, Build(name="web"), WISH.replace(priority=priority))

    threads = []
    for number, (name, priority) in enumerate([("low", 10), ("normal", 0), ("high", -10)]):
        threads.append(background(run, name, priority)[0])
        waiting_for(lab, number + 1)
    held.finish()
    for thread in threads:
        thread.join(20)
    assert order == ["high", "normal", "low"]


def test_priority_can_be_changed_while_it_waits():
    lab = Lab()
    held = Held(lab)
    done = []
    threads = []
    for number, name in enumerate(["first", "second"]):
        def run(name=name):
            driver.run(lab.desk(), Build(name="web"), WISH)
            done.append(name)

        threads.append(background(run)[0])
        waiting_for(lab, number + 1)
    recover.change_priority(lab.desk(), lab.jobs[2].id, -10)
    held.finish()
    for thread in threads:
        thread.join(20)
    assert done == ["second", "first"]


def test_a_cancelled_waiter_does_nothing():
    lab = Lab()
    held = Held(lab)
    thread, result = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    assert "had not begun" in recover.cancel(lab.desk(), lab.jobs[1].id)
    held.finish()
    thread.join(20)
    assert isinstance(result[0], JobFailed) and "cancelled" in str(result[0])
    assert lab.taken == 1 and lab.jobs == []


def dead_job(lab, state="running"):
    """A job whose driver died: its record is there, its lock is free."""
    desk = lab.desk()

    def dies(call):
        if call.args.get("thing") == "web-c" and call.task.endswith(".make"):
            raise SystemExit

    desk.transport.before = dies
    with pytest.raises(SystemExit):
        driver.run(desk, Build(name="web"), WISH)
    desk.transport.die()
    (job,) = lab.jobs
    assert job.state == state
    return job


def test_nobody_waits_for_the_dead():
    lab = Lab()
    job = dead_job(lab)
    with pytest.raises(Busy) as busy:
        driver.run(lab.desk(), Build(name="web"), WISH)
    assert "is gone" in str(busy.value)
    assert busy.value.hint == f"gnt-job resume {job.id}, or gnt-job undo {job.id}"
    assert [j.id for j in lab.jobs] == [job.id]
    recover.undo(lab.desk(), job.id, "x")
    driver.run(lab.desk(), Build(name="web"), WISH)


def test_a_waiter_whose_predecessor_dies_is_told():
    lab = Lab()
    held = Held(lab)
    thread, result = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    held.desk.transport.before = lambda call: (_ for _ in ()).throw(SystemExit)
    held.desk.transport.die()
    thread.join(20)
    assert isinstance(result[0], Busy) and f"gnt-job resume {held.job.id}" in result[0].hint
    assert [j.id for j in lab.jobs] == [held.job.id]


def test_a_dead_waiter_stands_in_nobodys_way_and_can_be_resumed():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    desk.transport.wait_owner = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run(desk, Build(name="web"), WISH)
    desk.transport.die()
    held.finish()
    dead = lab.jobs[0]
    assert dead.state == "waiting"
    driver.run(lab.desk(), Build(name="web"), WISH)
    assert [j.id for j in lab.jobs] == [dead.id]
    recover.resume(lab.desk(), dead.id, "there 3")
    assert lab.jobs == [] and lab.taken == 3


def test_a_waiter_with_secrets_cannot_be_resumed_by_somebody_else():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    desk.transport.wait_owner = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run(desk, Build(name="web", secret_word="hunter2"), WISH)
    desk.transport.die()
    held.finish()
    job = lab.jobs[0].id
    with pytest.raises(Conflict, match="secret_word") as refused:
        recover.resume(lab.desk(), job, "x")
    assert f"gnt-job cancel {job}" in refused.value.hint
    recover.cancel(lab.desk(), job)
    assert lab.jobs == []


def test_a_waiter_that_can_no_longer_be_planned_leaves_the_queue():
    class Fussy(Build, command="toy fussy"):
        def plan(self, cfg, seen):
            if cfg.state.find("group.name", "web"):
                raise NodeFailed("node1", "failed", "web is there already")
            return super().plan(cfg, seen)

    lab = Lab()
    held = Held(lab)
    thread, result = background(driver.run, lab.desk(), Fussy(name="web"), WISH)
    waiting_for(lab, 1)
    held.finish()
    thread.join(20)
    assert "there already" in str(result[0])
    assert lab.jobs == []
    assert lab.disk.transactions[-1]["result"].startswith("failed: ")


def test_dependencies_are_waited_for_without_a_common_object():
    lab = Lab()
    held = Held(lab)
    thread, result = background(
        driver.run, lab.desk(), Build(name="db"), WISH.replace(depends=(held.job.id,)))
    waiting_for(lab, 1)
    held.finish()
    thread.join(20)
    assert result and isinstance(result[0], str)


@pytest.mark.parametrize(("mine", "theirs", "clash"), [
    (("x", ()), ("x", ()), True), (("x", ()), ("", ("x",)), True),
    (("", ("x",)), ("x", ()), True), (("", ("x",)), ("", ("x",)), False),
    (("x", ()), ("y", ("z",)), False),
])
def test_conflicts(mine, theirs, clash):
    def holds(pair):
        return Holds(exclusive=tuple(pair[0]), shared=pair[1])

    lab = Lab()
    other = holds(theirs)
    lab.disk.data["jobs"] = {"7": to_data(Job(
        id="7", operation="o", params={}, author="a", driver="d", state="running",
        exclusive=other.exclusive, shared=other.shared))}
    assert bool(obstacles(lab.disk.config(), Claim(holds=holds(mine)))) is clash


def claimed(lab, number):
    """A driver, while another that will fail has the lock of that number until it is waited for."""
    desk, other, waited = lab.desk(), Life(lab.desk().transport), []
    other.begin("node1", number)
    wait_owner = desk.transport.wait_owner

    def ended(master, job, deadline):
        waited.append(job)
        if job == number:
            other.end()
        return wait_owner(master, job, deadline)

    desk.transport.wait_owner = ended
    return desk, waited


def test_the_number_of_a_job_that_came_to_nothing_is_waited_for():
    """In a group the next gets the same number, while who failed has not heard of it yet."""
    lab = Lab()
    desk, waited = claimed(lab, "2")
    assert driver.run(desk, Build(name="web"), WISH) == "2"
    assert waited == ["2"] and lab.jobs == [] and lab.nodes.owners == {}


def test_who_has_to_queue_waits_for_its_number_first():
    lab = Lab()
    held = Held(lab)
    desk, waited = claimed(lab, "3")
    thread, result = background(driver.run, desk, Build(name="web"), WISH)
    waiting_for(lab, 1)
    held.finish()
    thread.join(20)
    assert result == ["3"] and waited[:2] == ["3", held.job.id]


def test_who_may_not_wait_does_not_wait_for_a_number():
    lab = Lab()
    desk, waited = claimed(lab, "2")
    with pytest.raises(Busy, match="job 2"):
        driver.run(desk, Build(name="web"), WISH.replace(wait=False))
    assert waited == [] and lab.jobs == [] and list(lab.nodes.owners) == ["2"]
