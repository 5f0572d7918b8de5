"""Jobs that others end, ask about or give up, and drivers whose helpers fail them."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from gnt.engine import driver, follow, hooks, planfile, recover, runner
from gnt.engine import job as transactions
from gnt.engine.desk import in_charge
from gnt.engine.edits import View, difference
from gnt.engine.record import load, load_operation, load_plan, operation_named
from gnt.errors import Conflict, Damaged, GntError, JobFailed, NodeFailed, NotFound, UsageError
from gnt.model.objects import Job
from gnt.plan import Edit, Plan, Progress, Step
from tests.engine.test_holds import Held, dead_job
from tests.engine.test_jobs import office
from tests.engine.toys import WISH, Build, Ear, Lab, make


def sh(script, tmp_path):
    """A node task's script by a real shell, its files in a folder of this test."""
    text = script.shell.replace("/run/gnt", str(tmp_path))
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)


def test_locks_of_an_ended_job_are_swept_unless_somebody_has_them(tmp_path):
    for folder in ("fence", "jobs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "7").touch()
        (tmp_path / folder / "8").touch()
    assert sh(follow.sweep.body("7"), tmp_path).returncode == 0
    assert sorted(os.listdir(tmp_path / "fence")) == ["8"] == sorted(os.listdir(tmp_path / "jobs"))
    with open(tmp_path / "fence/8") as held:
        import fcntl

        fcntl.flock(held, fcntl.LOCK_EX)
        done = sh(follow.sweep.body("8"), tmp_path)
    assert done.returncode == 1 and "is in use" in done.stderr
    assert sh(follow.sweep.body("9"), tmp_path).returncode == 0


def test_a_driver_s_lines_and_the_wish_that_it_stop(tmp_path):
    note = follow.note.body("7", "step one", True)
    assert note.answer(sh(note, tmp_path).stdout) is False
    asked = follow.request_cancel.body("7")
    assert sh(asked, tmp_path).returncode == 0
    again = follow.note.body("7", "step two", False)
    assert again.answer(sh(again, tmp_path).stdout) is True
    log = follow.read_log.body("7", 1)
    assert log.answer(sh(log, tmp_path).stdout) == "step one\nstep two\n"
    rest = follow.read_log.body("7", len("step one\n") + 1)
    assert rest.answer(sh(rest, tmp_path).stdout) == "step two\n"
    assert sh(follow.read_log.body("8", 1), tmp_path).stdout == ""
    first = follow.note.body("7", "", True)  # a new driver begins: the old wish is not for it
    assert first.answer(sh(first, tmp_path).stdout) is False


def test_a_job_that_began_meanwhile_is_not_dropped():
    lab = Lab()
    job = dead_job(lab)
    with pytest.raises(Conflict, match="began meanwhile") as caught:
        transactions.dropped(lab.disk.config(), job.id, "cancelled")
    assert caught.value.hint == f"gnt-job cancel {job.id}"


def test_a_job_past_its_point_of_no_return_is_not_cancelled():
    lab = Lab()

    def fails(call):
        if call.args.get("thing") == "web-e":
            raise NodeFailed(call.node, "failed", "broke", task=call.task)

    with pytest.raises(JobFailed):
        driver.run(lab.desk(before=fails), Build(name="web", settle=True), WISH)
    (job,) = lab.jobs
    with pytest.raises(Conflict, match="past its point of no return"):
        recover.cancel(lab.desk(), job.id)


def test_a_master_that_cannot_be_asked_to_cancel_is_named():
    lab = Lab()
    held = Held(lab)

    def lost(call):
        if call.task == follow.request_cancel.name:
            raise NodeFailed(call.node, "timeout", "no answer", task=call.task)

    with pytest.raises(NodeFailed, match="no answer"):
        recover.cancel(lab.desk(before=lost), held.job.id)
    held.finish()
    assert held.result == [held.job.id]


def test_an_orphan_that_does_not_end_stops_the_repair():
    lab = Lab()
    job = dead_job(lab)
    desk = lab.desk()
    desk.transport.wait_fence = lambda nodes, fence, deadline: {
        node: GntError("it runs still") if node == "node2" else None for node in nodes}
    for repair in (recover.undo, recover.resume):
        with pytest.raises(JobFailed, match="node2 may still run a command") as caught:
            repair(desk, job.id, "x")
        assert "gnt-job" in caught.value.hint
    assert [one.id for one in lab.jobs] == [job.id]
    recover.undo(lab.desk(), job.id, "x")
    assert lab.jobs == [] and lab.nodes.things == []


def test_people_undo_and_resume_and_cancel():
    lab = Lab()
    job = dead_job(lab)
    assert office(lab).undo(job.id) == 0
    assert lab.jobs == [] and lab.nodes.things == []
    job = dead_job(lab)
    assert office(lab).resume(job.id) == 0
    assert lab.jobs == [] and lab.nodes.things
    with pytest.raises(NotFound):
        office(lab).cancel("99")


def test_who_lives_is_asked_once_more_when_somebody_does_not():
    lab = Lab()
    job = dead_job(lab)
    held = office(lab)
    assert held.alive([]) == {}
    assert held.alive([job.id]) == {job.id: False}
    assert held.alive([job.id, "99"]) == {job.id: False}


def test_a_log_that_cannot_be_read_is_an_error():
    lab = Lab()
    job = dead_job(lab)

    def lost(call):
        if call.task == follow.read_log.name:
            raise NodeFailed(call.node, "lost", "gone", task=call.task)

    jobs = office(lab)
    jobs.desk.transport.before = lost
    with pytest.raises(NodeFailed, match="gone"):
        jobs.watch(job.id)


def test_locks_that_may_be_left_are_told():
    lab = Lab()
    job = driver.run(lab.desk(), Build(name="web"), WISH)

    def lost(call):
        if call.task == follow.sweep.name and call.node == "node3":
            raise NodeFailed(call.node, "failed", "in use", task=call.task)

    jobs = office(lab)
    jobs.desk.transport.before = lost
    assert jobs.resume(job) == 0
    assert [line for line in jobs.front.said if "locks of job" in line] == [
        f"node3: locks of job {job} may be left: node node3: in use during {follow.sweep.name}"]


def test_a_lock_follows_the_master():
    """The commit that claims a job may come back with another master than was asked."""
    lab = Lab()
    job = dead_job(lab)
    begun = []

    class Life:
        master = "node1"

        def begin(self, master, job_id):
            begun.append((master, job_id))
            self.master = master

    cfg = lab.disk.config()
    driver_of = transactions.pending(cfg, job.id).driver
    assert in_charge(lab.desk(), Life(), cfg, job.id, driver_of) is cfg
    life = Life()
    life.master = "node2"
    found = in_charge(lab.desk(), life, cfg, job.id, driver_of)
    assert begun == [("node1", job.id)] and found.serial == cfg.serial + 1
    with pytest.raises(GntError):
        in_charge(lab.desk(), Life(), cfg, job.id, "somebody else")


def test_hooks_of_what_is_not_there_yet_lack_its_words():
    lab = Lab()

    class New(Build, command="toy new"):
        def hook_env(self, cfg):
            raise NotFound("there is no such thing yet")

    assert hooks._own(New(name="web"), lab.disk.config(), hooks.PRE) == {}


def test_a_step_s_progress_is_told_with_its_number():
    lab = Lab()
    desk = lab.desk()
    real = desk.transport.perform

    def perform(calls, *, fence, tell=None):
        for call in calls:
            tell(call, Progress(what="x", done=1))
            tell(make.on("node9", "unheard of"), Progress(what="y"))
        return real(calls, fence=fence, tell=tell)

    desk.transport.perform = perform
    driver.run(desk, Build(name="web"), WISH)
    assert {at for kind, at, *_ in desk.listener.heard if kind == "progress"} == {0, 1, 2, 3}
    assert isinstance(desk.listener, Ear)


def test_a_node_that_answers_less_than_it_was_asked_is_damage():
    lab = Lab()
    desk = lab.desk()
    real = desk.transport.perform

    def perform(calls, *, fence, tell=None):
        answers = real(calls, fence=fence, tell=tell)
        return {key: answer for key, answer in answers.items()
                if not key[0].endswith(".make") or key[1] != "node2"}

    desk.transport.perform = perform
    with pytest.raises(JobFailed, match="no answer"):
        driver.run(desk, Build(name="web"), WISH)


def test_secrets_are_not_written_into_a_plan(tmp_path):
    lab = Lab()
    with pytest.raises(UsageError, match="secret_word is never written"):
        planfile.write(str(tmp_path / "p"), lab.disk.config(), Build(name="w", secret_word="x"),
                       Plan())
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("command", ["", "instance", "instance nothing", "no such", "../x y", "."])
def test_operations_that_are_none(command):
    with pytest.raises(Damaged, match="no operation"):
        operation_named(command)


def test_records_of_the_wrong_form():
    with pytest.raises(Damaged, match="does not belong"):
        load(None, "x")
    with pytest.raises(Damaged, match=r"p\.attempt\[0\]\.with: expected a table"):
        load_plan({"attempt": [{"do": make.name, "on": "n", "with": [1]}]}, "p")
    with pytest.raises(Damaged, match="params"):
        load_operation(Build, {}, "x")
    cfg = Lab().disk.config()
    odd = Job(id="7", operation="x", params={}, author="a", driver="d", state="running",
              plan={"pivot": [1]})
    with pytest.raises(Damaged, match=r"jobs\.7\.plan\.pivot: expected a list of tables"):
        transactions._changes(odd, "pivot")
    assert cfg.jobs == []


def test_a_difference_that_is_none_is_not_recorded():
    lab = Lab()
    same = lab.disk.config().state.load("groups", "g")
    edits = [Edit(path="groups/g", value=same), Edit(path="groups/none")]
    assert difference(View(lab.disk.config()), edits) == []


def test_a_pool_grows_only_as_far_as_it_may():
    made = []
    gate = threading.Event()

    def desk():
        made.append(1)
        gate.wait(20)
        raise SystemExit("no desk today")

    pool = runner.Pool(desk, most=2)
    sent = [runner.Waiting(None) for _ in range(4)]
    for one in sent:
        pool.put(one)
    pool.parked()
    pool.tend()
    assert pool.quiet() == 0.0
    gate.set()
    answers = [one.answer() for one in sent]
    assert [answer["message"] for answer in answers] == ["SystemExit: no desk today"] * 4
    assert pool._threads == 2 and len(made) == 4


def test_steps_have_titles_in_the_log():
    step = Step(do=make.on("node1", "x"), title="make x")
    assert str(step) == f"node1: {make.name} thing=x"
