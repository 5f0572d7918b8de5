"""Submitted jobs: one runner, many submissions, nothing acknowledged is lost."""

from __future__ import annotations

import json
import threading
import time

import pytest

from gnt.engine import door, runner
from gnt.engine.submit import Submission, decode, encode, submit
from gnt.errors import GntError, JobFailed, NodeFailed, UsageError
from gnt.ssh.dial import dial
from tests.engine.toys import WISH, Build, Lab


class Fails(Build, command="toy fails"):
    def plan(self, cfg, seen):
        raise NodeFailed("node1", "failed", "not today", hint="try tomorrow")


def desks(lab):
    def make():
        desk = lab.desk()
        desk.find = {
            "toy build": Build, "toy fails": Fails, "toy followed": Followed}.__getitem__
        return desk

    return make


def read(words):
    """Words as the runner of toys understands them."""
    if words[1] == "by yourself":
        return None
    if words[1] == "nonsense":
        raise UsageError("it cannot be understood")
    kind = Fails if words[1] == "fails" else Build
    return Submission.of(kind(name=words[2]), WISH), "job {}".format


def served(lab, directory, idle=60.0):
    """A runner in a thread of its own."""
    ready = threading.Event()
    thread = threading.Thread(
        target=runner.serve, args=(str(directory), desks(lab), ready.set),
        kwargs={"idle": idle, "read": read}, daemon=True)
    thread.start()
    assert ready.wait(20)
    return thread


never = ("/bin/false",)  # there is a runner already


def test_a_runner_stays_as_long_as_somebody_may_bring_work(tmp_path):
    thread = served(Lab(), tmp_path, idle=0.2)
    line = door.enter(str(tmp_path), dial, never)
    thread.join(1.5)
    assert thread.is_alive()
    line.close()
    thread.join(20)
    assert not thread.is_alive()


def test_a_submission_survives_the_trip():
    sent = Submission.of(Build(name="web", secret_word="hunter2"), WISH.replace(priority=-10))
    got = decode(encode(sent))
    assert got == sent
    assert got.made({"toy build": Build}.__getitem__) == Build(name="web", secret_word="hunter2")


def test_fifty_at_once_all_run_and_each_has_an_id(tmp_path):
    lab = Lab()
    served(lab, tmp_path)
    ids = []

    def one(number):
        asked = Submission.of(Build(name=f"i{number % 5}"), WISH)
        ids.append(submit(str(tmp_path), asked, dial, never))

    lab.disk.data["networks"]["net"]["reservations"] = "." * 64
    threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(ids)) == 50
    until = time.monotonic() + 60
    while lab.jobs and time.monotonic() < until:
        threading.Event().wait(0.01)
    results = {t["job"]: t["result"] for t in lab.disk.transactions if t["result"]}
    assert {results[i] for i in ids} == {"success"}
    assert lab.taken == 50


class Followed(Build, command="toy followed"):
    def then(self, cfg):
        return (Build(name=f"{self.name}-next"),)


def test_what_follows_a_submitted_job_is_run_too(tmp_path):
    lab = Lab()
    served(lab, tmp_path)
    submit(str(tmp_path), Submission.of(Followed(name="web"), WISH), dial, never)
    until = time.monotonic() + 20
    while (len(lab.nodes.things) < 8 or lab.jobs) and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert "node3:web-next-d" in lab.nodes.things


def test_a_refusal_reaches_the_one_who_asked(tmp_path):
    lab = Lab()
    served(lab, tmp_path)
    with pytest.raises(GntError, match="not today") as refused:
        submit(str(tmp_path), Submission.of(Fails(name="web"), WISH), dial, never)
    assert refused.value.hint == "try tomorrow"
    assert refused.value.exit_code == NodeFailed.exit_code


def test_the_runner_ends_when_idle_and_leaves_no_socket(tmp_path):
    lab = Lab()
    thread = served(lab, tmp_path, idle=0.1)
    submit(str(tmp_path), Submission.of(Build(name="web"), WISH), dial, never)
    thread.join(20)
    assert not thread.is_alive()
    assert not (tmp_path / "runner.socket").exists()
    assert lab.jobs == []


def said(directory, *words):
    """What the runner answers to a command line."""
    line = door.enter(str(directory), dial, never)
    line.send(door.packed(["gnt-toy", *words]))
    answer = line.line()
    line.close()
    return answer


def test_a_command_line_is_submitted_as_it_is(tmp_path):
    lab = Lab()
    served(lab, tmp_path)
    answer = said(tmp_path, "build", "web")
    assert answer.startswith(door.SAY + b"job ")
    job = answer.split()[-1].decode()
    until = time.monotonic() + 20
    while lab.jobs and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert [t["result"] for t in lab.disk.transactions if t["job"] == job and t["result"]] == [
        "success"]


@pytest.mark.parametrize("word", ["by yourself", "nonsense"])
def test_what_only_its_own_process_can_do_is_handed_back(tmp_path, word):
    lab = Lab()
    served(lab, tmp_path)
    assert said(tmp_path, word, "web") == door.YOURSELF
    assert lab.disk.transactions == []


def test_a_refused_command_line_says_why(tmp_path):
    lab = Lab()
    served(lab, tmp_path)
    with pytest.raises(GntError, match="not today"):
        raise door.refusal(json.loads(said(tmp_path, "fails", "web")))


def test_words_survive_the_trip():
    words = ["gnt-instance", "add", "a b\nc", "\udcff", "", "ü"]
    assert door.unpacked(door.packed(words)) == words


def test_a_runner_that_cannot_be_started_is_named(tmp_path):
    with pytest.raises(JobFailed, match="could not be started") as refused:
        door.enter(str(tmp_path / "run"), dial, ["/bin/true"])
    assert "runner.log" in refused.value.hint
