"""Details of the engine that a change of one word would break (found by ``make mutate``)."""

from __future__ import annotations

import json

import pytest

from gnt.engine import driver, planfile, recover, runner
from gnt.engine.holds import described
from gnt.engine.record import load
from gnt.engine.submit import Submission
from gnt.errors import Damaged, GntError, JobFailed
from gnt.plan import Plan, Step
from tests.engine.test_holds import dead_job
from tests.engine.toys import WISH, Build, Lab, make

UUID = "01234567-89ab-4cde-8f01-23456789abcd"


def test_what_is_drawn_anew_is_numbered_in_the_order_it_comes() -> None:
    mac = "aa:00:00:12:34:56"
    plan = Plan(attempt=(Step(do=make.on("n", f"{UUID} gnt0123456789ab {mac}")),
                         Step(do=make.on("n", f"{mac} {UUID[:-1]}e gntfedcba987654"))))
    (first, second) = planfile.shown(plan)
    assert first.endswith("thing=#1 #1 #2") and second.endswith("thing=#2 #1 #3")


def test_a_saved_plan_is_text_that_people_can_read(tmp_path) -> None:
    path = tmp_path / "a.plan"
    planfile.write(str(path), Lab().disk.config(), Build(name="wéb"), Plan(notes=("ä",)))
    text = path.read_text()
    assert text.endswith("}\n") and "wéb" in text and '\n "plan": [\n  "note   ä"\n ]' in text
    assert json.loads(text)["format"] == 1


@pytest.mark.parametrize("kind", ["no.such.Thing", "plan.render", "errors.GntError", "", "plan.x"])
def test_kinds_of_values_that_are_none(kind: str) -> None:
    with pytest.raises(Damaged, match="x: there is no kind of value"):
        load({"_": kind}, "x")


def test_objects_are_described_for_people() -> None:
    cfg = Lab().disk.config()
    assert [described(cfg, path) for path in ("groups/g", "groups/none", "tags/web", "room")] == [
        "group default", "group none", "tag web", "room"]


@pytest.mark.parametrize(("state", "way"), [("running", "undo"), ("settling", "resume")])
def test_who_waits_for_an_orphan_is_told_what_to_do_then(state: str, way: str) -> None:
    lab = Lab()
    job = dead_job(lab)
    if state == "settling":
        lab.disk.data["jobs"][job.id]["state"] = "settling"
    desk = lab.desk()
    desk.transport.wait_fence = lambda nodes, fence, deadline: {
        node: GntError("it runs still") for node in nodes}
    with pytest.raises(JobFailed) as caught:
        recover.resume(desk, job.id, "x")
    assert f"gnt-job {way} --gone node1 {job.id}" in caught.value.hint


class Chain(Build, command="toy chain"):
    """Is followed by another, which is followed by a third."""

    def then(self, cfg):
        return (Chain(name=f"{self.name}x"),) if len(self.name) < 3 else ()


def test_followers_have_followers() -> None:
    lab = Lab()
    runner.follow_up(lab.desk(), Chain(name="a"), WISH)
    assert [thing for thing in lab.nodes.things if thing.endswith("-a")] == [
        "node1:ax-a", "node1:axx-a"]


def test_what_a_thread_could_not_explain_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    def desk() -> None:
        raise RuntimeError("no desk")

    pool = runner.Pool(desk, most=1)  # type: ignore[arg-type]  # it never comes to a desk
    waiting = runner.Waiting(Submission.of(Build(name="web"), WISH))
    pool.put(waiting)
    assert waiting.answer()["message"] == "RuntimeError: no desk"
    again = runner.Waiting(Submission.of(Build(name="web"), WISH))
    pool.put(again)
    again.answer()
    assert "Traceback" in capsys.readouterr().err


def test_what_is_taken_back_is_in_the_job_s_log() -> None:
    lab = Lab()
    job = dead_job(lab)
    recover.undo(lab.desk(), job.id, "x")
    told = "\n".join(lab.nodes.logs[job.id]).splitlines()
    assert [line.rpartition("=")[2] for line in told if line.startswith("undo node")] == [
        "web-d", "web-c", "web-b", "web-a"]


def test_all_calls_are_foreseen_with_their_undos() -> None:
    lab, told = Lab(), []
    desk = lab.desk()
    desk.transport.foresee = lambda job, calls: told.append((job, list(calls)))
    job = driver.run(desk, Build(name="web", settle=True), WISH)
    ((known, calls),) = [one for one in told if one[1]][:1]
    notes = [call.args for call in calls if call.task == "engine.follow.note"]
    assert known == job and len(calls) == 10 + len(notes)
    assert None not in calls
    assert [note["first"] for note in notes] == [True, *[False] * (len(notes) - 1)]
    logged = "\n".join(lab.nodes.logs[job])
    assert logged and all(line in logged for note in notes for line in note["line"].splitlines())
