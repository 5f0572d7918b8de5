"""What people do with jobs: look, wait, follow, archive, change their place."""

from __future__ import annotations

import pytest

from gnt.engine import driver
from gnt.engine.follow import read_log
from gnt.engine.jobs import Jobs
from gnt.errors import Busy, Conflict, JobFailed, NodeFailed, NotFound
from gnt.query.tables.job import finished as row
from gnt.query.tables.job import summary
from tests.engine.test_holds import Held, background, dead_job, waiting_for
from tests.engine.toys import WISH, Build, Ear, Lab, Tag, effects


class Person:
    """A front end that remembers."""

    def __init__(self):
        self.said = []
        self.listener = Ear()

    def tell(self, message):
        self.said.append(message)


def office(lab):
    def effect(node, call):
        if call.task == read_log.name:
            text = "".join(f"{line}\n" for line in lab.nodes.logs.get(call.args["job"], []))
            return text[call.args["position"] - 1 :]
        return effects(node, call)

    return Jobs(lab.desk(effects=effect), Person(), "here 9")


def test_a_finished_job_is_told_from_the_history():
    lab = Lab()
    job = driver.run(lab.desk(), Build(name="web"), WISH.replace(reason="for fun"))
    driver.run(lab.desk(), Tag(), WISH)
    tag, build = office(lab).finished()
    assert (build["id"], build["operation"], build["result"]) == (job, "toy build", "success")
    assert build["reason"] == "for fun" and build["author"] == "tester"
    assert tag["operation"] == "toy tag" and tag["result"] == "success"
    assert office(lab).details(job)["result"] == "success"
    assert office(lab).wait(job) == 0
    assert office(lab).details(job)["parameters"] == {"name": "web"}
    assert [summary(row(item)) for item in (tag, build)] == ["TOY_TAG", "TOY_BUILD(web)"]


def test_a_failed_job_gives_its_result_as_exit_code():
    lab = Lab()

    def before(call):
        if call.args.get("thing") == "web-c" and call.task.endswith(".make"):
            raise NodeFailed(call.node, "failed", "broke")

    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=before), Build(name="web"), WISH)
    jobs = office(lab)
    (item,) = jobs.finished()
    assert item["result"].startswith("undone: ")
    assert jobs.wait(item["id"]) == 1 and "broke" in jobs.front.said[0]


def test_a_pending_job_is_described():
    lab = Lab()
    held = Held(lab)
    found = office(lab).details(held.job.id)
    assert found["state"] == "running" and found["driver"] == "here 1 (lives)"
    assert found["parameters"] == {"name": "web"} and found["holds"] == ["tag web"]
    assert any("make thing=web-a" in line for line in found["plan"])
    assert office(lab).alive([held.job.id, "77"]) == {held.job.id: True}
    held.finish()
    dead = dead_job(lab).id
    assert office(lab).alive([dead]) == {dead: False}


def test_unknown_jobs_are_refused():
    lab = Lab()
    for action in ("details", "wait", "cancel", "resume", "undo"):
        with pytest.raises(NotFound):
            getattr(office(lab), action)("77")
    with pytest.raises(NotFound):
        office(lab).archive(["77"])


def test_resuming_a_job_that_has_ended_takes_its_locks_away():
    lab = Lab()
    held = Held(lab)
    held.finish()
    jobs = office(lab)
    asked = []
    jobs.desk.transport.after = lambda call: asked.append((call.node, call.task))
    assert jobs.resume(held.job.id) == 0
    assert asked == [(node.name, "engine.follow.sweep") for node in jobs.desk.read().nodes]
    assert jobs.front.said == [f"job {held.job.id} (toy build): success"]


def test_waiting_for_a_job_and_watching_it_end_with_it():
    lab = Lab()
    held = Held(lab)
    waiter, watcher = office(lab), office(lab)
    threads = [background(waiter.wait, held.job.id), background(watcher.watch, held.job.id)]
    held.finish()
    for thread, _ in threads:
        thread.join(20)
    assert [result for _, result in threads] == [[0], [0]]
    assert watcher.front.said[-1] == f"job {held.job.id} (toy build): success"
    assert any("make thing=web-a" in line for line in watcher.front.said)


@pytest.mark.parametrize("action", ["wait", "watch"])
def test_nobody_waits_for_a_job_whose_driver_died(action):
    lab = Lab()
    job = dead_job(lab)
    with pytest.raises(Busy) as told:
        getattr(office(lab), action)(job.id)
    assert f"gnt-job resume {job.id}, or gnt-job undo {job.id}" == told.value.hint
    with pytest.raises(Conflict, match="is gone"):
        office(lab).cancel(job.id)
    assert office(lab).undo(job.id) == 0


def test_archived_jobs_are_marked_for_everybody():
    lab = Lab()
    ids = [driver.run(lab.desk(), Build(name=name), WISH) for name in ("a", "b", "c")]
    assert office(lab).archive([ids[0], ids[0]]) == 1
    assert office(lab).archive([ids[0]]) == 0
    assert {j["id"]: j["archived"] for j in office(lab).finished()} == {
        ids[0]: True, ids[1]: False, ids[2]: False}
    assert office(lab).autoarchive(0) == 2
    assert all(j["archived"] for j in office(lab).finished())


def test_a_pending_job_is_not_archived():
    lab = Lab()
    held = Held(lab)
    with pytest.raises(Conflict, match="has not ended"):
        office(lab).archive([held.job.id])
    with pytest.raises(Conflict, match="has begun"):
        office(lab).change_priority(held.job.id, "high")
    held.finish()


def test_a_waiting_job_gets_another_priority():
    lab = Lab()
    held = Held(lab)
    thread, _ = background(driver.run, lab.desk(), Build(name="web"), WISH)
    waiting_for(lab, 1)
    office(lab).change_priority(lab.jobs[1].id, "high")
    assert lab.jobs[1].priority == -10
    held.finish()
    thread.join(20)
