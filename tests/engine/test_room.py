"""Jobs that wait for room or for the result of another, and that are given up while they wait."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from gnt.engine import driver, recover
from gnt.engine.ports import Change
from gnt.engine.stop import Stop
from gnt.errors import Busy, Interrupted, JobFailed, NotFound
from gnt.model.codec import to_data
from gnt.plan import Edit
from tests.engine.test_holds import Held, background, dead_job, waiting_for
from tests.engine.toys import WISH, Build, Lab


def room_for(lab, number):
    def change(cfg):
        value = to_data(cfg.cluster.replace(max_running_jobs=number))
        return Change(edits=(Edit(path="cluster/cluster", value=value),), operation="toy set")

    lab.desk().store.commit(change)


def test_no_more_jobs_run_than_may():
    lab = Lab()
    room_for(lab, 1)
    held = Held(lab)
    seen = []
    other = lab.desk(before=lambda call: seen.append(
        [job.id for job in lab.jobs if job.state != "waiting"]))
    thread, result = background(driver.run, other, Build(name="db"), WISH)
    waiting_for(lab, 1)
    assert ("waiting", lab.jobs[1].id, (held.job.id,)) in other.listener.heard or thread.is_alive()
    held.finish()
    thread.join(20)
    assert result == [str(int(held.job.id) + 1)]
    assert {len(running) for running in seen if running} == {1}


def test_without_waiting_no_room_is_busy():
    lab = Lab()
    room_for(lab, 1)
    held = Held(lab)
    with pytest.raises(Busy, match="1 jobs run already"):
        driver.run(lab.desk(), Build(name="db"), WISH.replace(wait=False))
    assert [job.id for job in lab.jobs] == [held.job.id]
    held.finish()


def test_jobs_without_a_driver_take_no_room():
    lab = Lab()
    room_for(lab, 1)
    dead = dead_job(lab)
    driver.run(lab.desk(), Build(name="db"), WISH)
    assert [job.id for job in lab.jobs] == [dead.id]


@pytest.mark.parametrize("results", ["", ":success", ":error,success"])
def test_a_job_begins_when_the_one_it_depends_on_has_ended(results):
    lab = Lab()
    held = Held(lab)
    wish = WISH.replace(depends=(held.job.id + results,))
    thread, result = background(driver.run, lab.desk(), Build(name="db"), wish)
    waiting_for(lab, 1)
    assert thread.is_alive()
    held.finish()
    thread.join(20)
    assert result == [str(int(held.job.id) + 1)]
    driver.run(lab.desk(), Build(name="late"), wish)  # it ended long ago: nothing to wait for


def test_a_job_fails_when_the_one_it_depends_on_ended_otherwise():
    lab = Lab()
    dead = dead_job(lab)
    wish = WISH.replace(depends=(f"{dead.id}:success",))
    driver.run(lab.desk(), Build(name="db"), WISH)
    recover.undo(lab.desk(), dead.id, "x")
    before = sorted(lab.nodes.things)
    with pytest.raises(JobFailed, match=f"job {dead.id} ending with success.*undone"):
        driver.run(lab.desk(), Build(name="after"), wish)
    assert lab.jobs == [] and sorted(lab.nodes.things) == before
    driver.run(lab.desk(), Build(name="after"), WISH.replace(depends=(f"{dead.id}:error",)))


def test_a_waiting_job_ends_when_its_dependency_fails():
    lab = Lab()
    held = Held(lab)
    wish = WISH.replace(depends=(f"{held.job.id}:error",))
    thread, result = background(driver.run, lab.desk(), Build(name="db"), wish)
    waiting_for(lab, 1)
    held.finish()
    thread.join(20)
    assert isinstance(result[0], JobFailed) and "ended otherwise: success" in str(result[0])
    assert lab.jobs == []


def test_a_dependency_on_no_job_is_refused():
    lab = Lab()
    with pytest.raises(NotFound, match="no job 77"):
        driver.run(lab.desk(), Build(name="web"), WISH.replace(depends=("77",)))
    assert lab.jobs == []


class Impatient(Stop):
    """Ctrl-C as soon as the driver waits for another job."""

    @contextmanager
    def at_once(self, message, hint):
        with super().at_once(message, hint):
            self.request()
            yield


def test_a_job_that_is_interrupted_while_it_waits_leaves_no_record():
    lab = Lab()
    held = Held(lab)
    desk = lab.desk()
    desk.stop = Impatient()
    with pytest.raises(Interrupted, match="given up while it waited; nothing was done"):
        driver.run(desk, Build(name="web"), WISH)
    assert [job.id for job in lab.jobs] == [held.job.id]
    ended = next(iter(desk.store.history()))
    assert (ended["job"], ended["result"]) == (str(int(held.job.id) + 1), "cancelled")
    held.finish()
