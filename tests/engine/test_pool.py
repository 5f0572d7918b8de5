"""A runner's threads and its door: how many there are, when it ends, what visitors hear."""

from __future__ import annotations

import fcntl
import io
import json
import os
import socket
import threading
import time

import pytest

from gnt.engine import door, driver, runner
from gnt.engine.submit import Submission, decode, encode
from gnt.errors import Damaged, GntError, NodeFailed
from gnt.ssh.dial import dial
from tests.engine.test_holds import Held
from tests.engine.test_hooks import Hooked, hooked
from tests.engine.test_runner import Fails, desks, never, read, said, served
from tests.engine.toys import WISH, Build, Lab, Tag


class Desks:
    """Makes desks for a pool, each only when the test lets it."""

    def __init__(self, lab):
        self.lab, self.made, self.go = lab, threading.Semaphore(0), threading.Semaphore(0)
        self.count = 0

    def __call__(self):
        self.count += 1
        self.made.release()
        assert self.go.acquire(timeout=20)
        return desks(self.lab)()

    def appear(self, count=1):
        for _ in range(count):
            assert self.made.acquire(timeout=20)

    def fill(self, pool):
        """Put as much as there are threads for at once."""
        for number in range(runner.EAGER):
            pool.put(asked(name=f"i{number}"))
            self.appear()

    def open(self, count=1):
        for _ in range(count):
            self.go.release()


def asked(kind=Build, **params):
    return runner.Waiting(Submission.of(kind(**(params or {"name": "web"})), WISH))


def answers(pool, *waiting):
    for one in waiting:
        pool.put(one)
    return [one.answer() for one in waiting]


def test_one_job_after_the_other_needs_one_thread():
    lab = Lab()
    make = Desks(lab)
    make.open(9)
    pool, before = runner.Pool(make), threading.active_count()
    for number in range(3):
        (answer,) = answers(pool, asked(name=f"i{number}"))
        assert "id" in answer
        idle(pool)
    assert make.count == 1 and threading.active_count() == before + 1
    assert lab.taken == 3


def idle(pool):
    """Return when the pool has nothing to do."""
    until = time.monotonic() + 20
    while pool.quiet() == 0.0 and time.monotonic() < until:
        time.sleep(0.002)
    assert pool.quiet() > 0.0


def test_as_many_threads_begin_at_once_as_there_is_work_for():
    make = Desks(Lab())
    pool = runner.Pool(make, stuck=1.0)  # a second per thread
    make.fill(pool)
    for name in ("one", "two"):
        pool.put(asked(name=name))
    pool.tend()
    assert make.count == runner.EAGER  # the others wait until one of these is free
    make.open(99)
    idle(pool)
    assert make.count == runner.EAGER


def test_a_queue_that_stands_still_gets_another_thread_up_to_the_most():
    make = Desks(Lab())
    pool = runner.Pool(make, most=runner.EAGER + 2, stuck=0.0)
    make.fill(pool)
    for name in ("one", "two", "three", "four"):
        pool.put(asked(name=name))
    for more in (1, 2):
        pool.tend()
        make.appear()
        assert make.count == runner.EAGER + more
    pool.tend()
    assert make.count == runner.EAGER + 2
    make.open(99)
    idle(pool)
    pool.tend()  # nothing stands still
    assert make.count == runner.EAGER + 2


def test_who_begins_to_wait_makes_room_for_those_behind():
    make = Desks(Lab())
    pool = runner.Pool(make, most=runner.EAGER + 1, stuck=1e9)
    pool.parked()
    assert make.count == 0  # nobody is behind
    make.fill(pool)
    pool.put(asked(name="behind"))
    pool.parked()
    make.appear()
    make.open(99)
    idle(pool)


def test_a_failed_job_s_desk_is_closed_and_the_next_gets_a_new_one():
    lab = Lab()
    closed = []

    class Watched(Desks):
        def __call__(self):
            desk, number = super().__call__(), self.count
            close = desk.transport.close
            desk.transport.close = lambda: (closed.append(number), close())
            return desk

    make = Watched(lab)
    make.open(9)
    pool = runner.Pool(make)
    (refused,) = answers(pool, asked(Fails, name="x"))
    assert refused == {"message": "node node1: not today", "hint": "try tomorrow",
                       "exit_code": NodeFailed.exit_code}
    idle(pool)
    assert closed == [1]
    assert "id" in answers(pool, asked())[0]
    idle(pool)
    assert make.count == 2 and closed == [1]


def test_how_long_there_was_nothing_to_do():
    pool = runner.Pool(Desks(Lab()))
    began = time.monotonic()
    with pool.visited():
        assert pool.quiet() == 0.0
        with pool.visited():
            assert pool.quiet() == 0.0
        assert pool.quiet() == 0.0
        time.sleep(0.02)
        left = time.monotonic()
    assert 0.0 < pool.quiet() <= time.monotonic() - left < time.monotonic() - began
    make = Desks(Lab())
    pool = runner.Pool(make)
    waiting = asked()
    pool.put(waiting)
    make.appear()
    assert pool.quiet() == 0.0
    time.sleep(0.02)
    left = time.monotonic()
    make.open()
    waiting.answer()
    idle(pool)
    assert pool.quiet() <= time.monotonic() - left


def test_an_answer_is_waited_for_and_only_the_first_counts():
    waiting = asked()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(waiting.answer()))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    waiting.settle({"id": "7"})
    waiting.settle({"id": "8"})
    thread.join(20)
    assert heard == [{"id": "7"}]


def test_a_waiting_job_is_answered_at_once_and_lets_others_by(tmp_path):
    lab = Lab()
    held = Held(lab)
    parked = []
    desk = desks(lab)()
    waiting = asked()
    thread = threading.Thread(
        target=runner.drive, args=(desk, waiting, lambda: parked.append(waiting._done.is_set())))
    thread.start()
    assert waiting.answer() == {"id": str(int(held.job.id) + 1)}
    held.finish()
    thread.join(20)
    assert parked == [True] and lab.jobs == [] and lab.taken == 2


def test_a_job_that_need_not_wait_parks_nobody():
    lab = Lab()
    runner.drive(desks(lab)(), asked(), lambda: pytest.fail("it does not wait"))
    assert lab.taken == 1
    assert lab.jobs == []


def test_who_drives_a_submitted_job_is_this_process():
    lab = Lab()
    seen = []
    desk = desks(lab)()
    desk.transport.before = lambda call: seen.extend(job.driver for job in lab.jobs)
    runner.drive(desk, asked(), lambda: None)
    assert set(seen) == {f"{os.uname().nodename} {os.getpid()}"}


def test_secrets_of_a_submitted_job_are_confided_before_it_begins():
    lab = Lab()
    desk, told = desks(lab)(), []
    desk.confide = lambda operation: told.append((operation.secret_word, lab.disk.serial))
    runner.drive(desk, asked(Build, name="web", secret_word="x"), lambda: None)
    assert told == [("x", 1)]
    driver.run(desk, Build(name="db", secret_word="y"), WISH)
    assert told[1] == ("y", 3)


class HookedTag(Tag, command="toy hooked-tag"):
    hook = "toy-tag"


def test_what_one_commit_does_is_answered_by_its_serial_and_has_its_post_hooks():
    lab = Lab()
    desk, told = hooked(lab, phases={"node1": ("post",)})
    desk.find = {"toy hooked-tag": HookedTag, "toy hooked": Hooked}.__getitem__
    waiting = runner.Waiting(Submission(operation="toy hooked-tag", params={}, wish=WISH))
    runner.drive(desk, waiting, lambda: None)
    assert waiting.answer() == {"id": "2"}
    assert [(node, phase) for node, phase, _ in told] == [("node1", "post")]
    assert told[0][2]["GANETI_OP_CODE"] == "OP_TOY_HOOKED_TAG"
    driver.run(desk, HookedTag(), WISH)
    assert [(node, phase) for node, phase, _ in told] == [("node1", "post")] * 2
    assert lab.nodes.owners == {}


def test_a_socket_that_a_killed_runner_left_is_replaced(tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"{tmp_path}/runner.socket")
    left.close()
    served(Lab(), tmp_path)
    assert said(tmp_path, "build", "web").startswith(door.SAY)


def test_who_comes_when_the_runner_is_about_to_end_is_heard(tmp_path):
    lab = Lab()
    with open(tmp_path / "runner.start", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as somebody who is about to start one
        thread = served(lab, tmp_path, idle=0.05)
        time.sleep(0.4)  # by now it waits for the lock to end
        late = socket.socket(socket.AF_UNIX)
        late.connect(f"{tmp_path}/runner.socket")
    late.settimeout(20)
    told = late.makefile("rb")
    assert told.readline() == door.HELLO
    thread.join(0.3)
    assert thread.is_alive()  # as long as the visitor may bring work
    late.sendall(door.packed(["gnt-toy", "build", "web"]))
    assert told.readline().startswith(door.SAY + b"job ")
    late.close()
    told.close()
    thread.join(20)
    assert not thread.is_alive() and not (tmp_path / "runner.socket").exists()
    assert lab.taken == 1


def test_a_runner_looks_after_a_queue_that_stands_still(tmp_path):
    make, ready = Desks(Lab()), threading.Event()
    thread = threading.Thread(target=runner.serve, args=(str(tmp_path), make, ready.set), kwargs={
        "read": read, "idle": 0.05, "stuck": 0.01}, daemon=True)
    thread.start()
    assert ready.wait(20)
    lines = []
    for number in range(runner.EAGER + 1):
        lines.append(door.enter(str(tmp_path), dial, never))
        lines[-1].send(encode(Submission.of(Build(name=f"i{number}"), WISH)) + b"\n")
        make.appear()
    make.open(99)
    for line in lines:
        assert line.line()
        line.close()
    thread.join(20)
    assert not thread.is_alive()


def test_no_thread_keeps_the_process_alive(tmp_path):
    """Neither one that waits for work nor one that waits for a visitor."""
    lab, seen = Lab(), []

    def make():
        seen.append(threading.current_thread().daemon)
        return desks(lab)()

    def understand(words):
        seen.append(threading.current_thread().daemon)
        return read(words)

    ready = threading.Event()
    threading.Thread(target=runner.serve, args=(str(tmp_path), make, ready.set), kwargs={
        "read": understand, "idle": 0.05}, daemon=True).start()
    assert ready.wait(20)
    assert said(tmp_path, "build", "web").startswith(door.SAY)
    assert seen == [True, True]


def test_a_runner_that_has_ended_leaves_the_door_to_the_next(tmp_path):
    for _ in range(2):
        thread = served(Lab(), tmp_path, idle=0.05)
        thread.join(20)
        assert not thread.is_alive() and os.listdir(tmp_path) == ["runner.start"]


class Told(runner.Pool):
    """A pool that knows what to say."""

    def __init__(self, answer):
        super().__init__(lambda: None)
        self.said = answer

    def put(self, waiting):
        waiting.settle(self.said)


def heard(line, answer=None, understand=read):
    say = io.BytesIO()
    runner.attend(io.BytesIO(line), say, Told(answer or {"id": "7"}), understand)
    hello, _, rest = say.getvalue().partition(b"\n")
    assert hello + b"\n" == door.HELLO
    return rest


@pytest.mark.parametrize(("line", "message"), [
    (b"words zz\n", "no words: non-hexadecimal number found in fromhex() arg at position 0"),
    (b"{\n", "that is no submission: Expecting property name"),
    (b"[1]\n", "that is no submission"),
])
def test_what_cannot_be_understood_is_refused_with_the_reason(line, message):
    answer = json.loads(heard(line))
    kind = GntError if line.startswith(door.WORDS) else Damaged
    assert answer["message"].startswith(message) and answer["exit_code"] == kind.exit_code


def test_a_submission_of_another_version_is_refused_with_a_way_out():
    for line in (b"[1]", b'{"_": "engine.job.Wish"}',
                 encode(Submission(operation="toy build", params=[1], wish=WISH)),
                 encode(Submission(operation=7, params={}, wish=WISH))):
        with pytest.raises(Damaged, match="no submission") as refused:
            decode(line)
        assert "another version" in refused.value.hint
    with pytest.raises(Damaged, match=r"^submission\.wish: not bytes"):
        decode(b'{"_": "engine.submit.Submission", "wish": {"_": "bytes"}}')
    with pytest.raises(Damaged, match=r"toy build: .*odd"):
        Submission(operation="toy build", params={"odd": 1}, wish=WISH).made(
            {"toy build": Build}.__getitem__)


def test_only_what_differs_from_the_defaults_is_submitted():
    sent = Submission.of(Build(name="web", settle=True), WISH)
    assert (sent.operation, dict(sent.params)) == ("toy build", {"name": "web", "settle": True})
    assert dial("/nowhere/runner.socket") is None and never
