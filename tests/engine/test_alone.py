"""Engines that nobody watches: the runner's front end, its door, and what asks them to stop."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from gnt import RUNNER, __version__
from gnt.engine import door, runner
from gnt.engine.quiet import Quiet
from gnt.engine.stop import Stop, on_signals
from gnt.engine.submit import Submission, encode, submit
from gnt.errors import ConfirmationNeeded, GntError, Interrupted, JobFailed, NodeFailed
from gnt.plan import Plan, Progress
from gnt.spec import Lines
from tests.engine.toys import WISH, Build, step


def test_nobody_says_yes_and_failures_go_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    front = Quiet()
    assert front.listener is front
    with pytest.raises(ConfirmationNeeded, match="Really\\? Nobody is there"):
        front.confirm("Really?", ["web"])
    assert list(front.lines()) == []
    one = step("node1", "x")
    front.show(Lines(lines=("x",)))
    front.waiting("7", ["6"])
    front.job_started("7", Plan())
    front.step_started(0, one)
    front.step_progress(0, one, Progress(what="x"))
    front.step_done(0, one)
    front.undoing(0, one)
    assert capsys.readouterr() == ("", "")
    front.step_failed(0, one, NodeFailed("node1", "failed", "no room"))
    front.job_done("7", "failure")
    said = capsys.readouterr().err
    assert f"{one}: node node1: no room\n" in said and said.endswith("job 7: failure\n")


def test_what_is_said_is_in_the_log_at_once() -> None:
    """A runner that is killed has said what it had to say."""
    log = io.BytesIO()
    with contextlib.redirect_stderr(io.TextIOWrapper(log)):
        Quiet().tell("ä")
        assert log.getvalue() == "ä\n".encode()


def test_the_first_request_is_remembered_the_second_breaks() -> None:
    stop = Stop()
    assert not stop.requested and not stop.cancelled
    stop.request()
    assert stop.requested
    with pytest.raises(KeyboardInterrupt):
        stop.request()


def test_where_nothing_is_lost_a_request_ends_at_once() -> None:
    stop = Stop()
    with stop.at_once("it waited", "gnt-job list"):
        with pytest.raises(Interrupted, match="it waited") as caught:
            stop.request()
        assert caught.value.hint == "gnt-job list"
    assert not stop.requested
    stop.request()
    assert stop.requested


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_and_are_given_back(number: int) -> None:
    stop, before = Stop(), signal.getsignal(number)
    with on_signals(stop):
        os.kill(os.getpid(), number)
        assert stop.requested
    assert signal.getsignal(number) is before


def test_a_terminal_that_goes_away_stops_nothing() -> None:
    stop, before = Stop(), signal.getsignal(signal.SIGHUP)
    with on_signals(stop):
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.requested
    assert signal.getsignal(signal.SIGHUP) is before


def test_a_request_that_came_too_late_is_handed_on_to_who_listens_outside() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with on_signals(Stop()):
            os.kill(os.getpid(), signal.SIGINT)
            assert heard == []
        assert heard == [signal.SIGINT]
        with pytest.raises(Interrupted), on_signals(Stop()):
            os.kill(os.getpid(), signal.SIGINT)
            raise Interrupted("this one stopped something")
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_get_no_signals() -> None:
    found = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with on_signals(Stop()):
            found.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize("words", [[""], ["gnt", "instance", "list"], ["a\nb", "ä\udcff", " "]])
def test_words_travel_as_they_are(words: list[str]) -> None:
    line = door.packed(words)
    assert line.startswith(door.WORDS) and line.endswith(b"\n") and line.count(b"\n") == 1
    assert door.unpacked(line) == words


class NoPool(runner.Pool):
    """A pool that answers by itself, without threads."""

    def __init__(self, answer: dict[str, object]) -> None:
        super().__init__(lambda: None)  # type: ignore[arg-type,return-value]  # never called
        self.said = answer

    def put(self, waiting: runner.Waiting) -> None:
        waiting.settle(self.said)
        waiting.settle({"id": "what comes later is not heard"})


def attended(said: bytes, answer: dict[str, object], read: runner.Read = runner.no_words) -> bytes:
    """What a visitor hears after hello."""
    say = io.BytesIO()
    runner.attend(io.BytesIO(said), say, NoPool(answer), read)
    assert say.getvalue().startswith(door.HELLO)
    return say.getvalue().removeprefix(door.HELLO)


SUBMISSION = Submission.of(Build(name="web"), WISH)
REFUSED = runner.refusal(NodeFailed("n1", "failed", "no", hint="later"))


def test_a_visitor_is_answered_in_one_line() -> None:
    assert attended(b"", {"id": "7"}) == b""
    assert json.loads(attended(encode(SUBMISSION) + b"\n", {"id": "7"})) == {"id": "7"}
    assert json.loads(attended(encode(SUBMISSION) + b"\n", REFUSED)) == REFUSED


def test_words_are_understood_or_given_back() -> None:
    def read(words: list[str]) -> tuple[Submission, object] | None:
        if words == ["fails"]:
            raise GntError("no such command")
        return None if words == ["else"] else (SUBMISSION, lambda job: f"job {job} of {words[0]}")

    assert attended(door.packed(["build"]), {"id": "7"}, read) == b"say job 7 of build\n"
    assert json.loads(attended(door.packed(["build"]), REFUSED, read)) == REFUSED
    assert attended(door.packed(["fails"]), {}, read) == door.YOURSELF
    assert attended(door.packed(["else"]), {}, read) == door.YOURSELF
    assert attended(door.packed(["build"]), {}) == door.YOURSELF


@pytest.mark.parametrize("said", [b"{\n", b"[]\n", b"words zz\n", b"\xff\n"])
def test_nonsense_is_refused_not_a_traceback(said: bytes) -> None:
    answer = json.loads(attended(said, {"id": "7"}))
    assert answer["message"] and answer["exit_code"]


def test_a_visitor_who_left_is_no_error() -> None:
    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    runner.attend(io.BytesIO(b"x\n"), Gone(), NoPool({}), runner.no_words)
    assert Gone().getvalue() == b""


class Wire:
    """A connection with its answers ready."""

    def __init__(self, *lines: bytes | OSError) -> None:
        self.coming, self.sent, self.closed = list(lines), b"", False

    def send(self, data: bytes) -> None:
        self.sent += data

    def line(self) -> bytes:
        one = self.coming.pop(0)
        if isinstance(one, OSError):
            raise one
        return one

    def close(self) -> None:
        self.closed = True


nobody = ("/bin/false",)  # a runner that does not come up


def test_a_submission_is_sent_and_its_id_comes_back(tmp_path: pathlib.Path) -> None:
    wire = Wire(door.HELLO, b'{"id": 12}\n')
    assert submit(str(tmp_path), SUBMISSION, lambda path: wire, nobody) == "12"
    assert wire.sent == encode(SUBMISSION) + b"\n" and wire.closed


@pytest.mark.parametrize("last", [b"", b"{", ConnectionResetError()])
def test_a_runner_that_dies_leaves_doubt(tmp_path: pathlib.Path, last: bytes | OSError) -> None:
    wire = Wire(door.HELLO, last)
    with pytest.raises(JobFailed, match="before it said") as caught:
        submit(str(tmp_path), SUBMISSION, lambda path: wire, nobody)
    assert str(caught.value) == "the runner ended before it said whether the job was recorded"
    assert caught.value.hint == "gnt-job list shows whether it was; if not, submit it again"
    assert wire.closed


def test_a_refusal_is_raised_as_it_was(tmp_path: pathlib.Path) -> None:
    wire = Wire(door.HELLO, json.dumps(REFUSED).encode() + b"\n")
    with pytest.raises(GntError, match="no") as caught:
        submit(str(tmp_path), SUBMISSION, lambda path: wire, nobody)
    assert (caught.value.hint, caught.value.exit_code) == ("later", NodeFailed.exit_code)


@pytest.mark.parametrize("first", [b"", b"gnt 1\n", ConnectionResetError()])
def test_a_runner_that_is_about_to_end_is_replaced(
    tmp_path: pathlib.Path, first: bytes | OSError,
) -> None:
    wires = [Wire(first), Wire(door.HELLO)]
    left = list(wires)
    assert door.enter(str(tmp_path), lambda path: left.pop(0), nobody) is wires[1]
    assert wires[0].closed and not wires[1].closed


def test_a_runner_that_cannot_be_started_is_named(tmp_path: pathlib.Path) -> None:
    folder = str(tmp_path / "run")

    with pytest.raises(JobFailed, match="could not be started") as caught:
        door.enter(folder, lambda path: None, ["/bin/sh", "-c", "echo going down >&2"])
    assert f"{folder}/runner.log" in caught.value.hint
    until = time.monotonic() + 60
    log = tmp_path / "run/runner.log"
    while not log.read_text() and time.monotonic() < until:
        time.sleep(0.01)
    assert "going down" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


LIFE = """
import os, sys
from gnt.engine import door
files = [int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
with open(sys.argv[1], "w") as file:
    print(os.getpgrp(), os.getsid(0), os.getcwd(), os.readlink("/proc/self/fd/0"), sorted(files),
          sys.argv[-1], sep="|", file=file)
door.ready(int(sys.argv[-1]))
"""


def test_a_runner_is_started_when_there_is_none(tmp_path: pathlib.Path) -> None:
    """A process of its own, which has no parent, no terminal and no files of ours."""
    here = tmp_path / "told"
    left = [None, None, Wire(door.HELLO)]
    program = [sys.executable, "-c", LIFE, str(here)]
    inherited = os.dup2(os.open(os.devnull, os.O_RDONLY), 77, inheritable=True)
    try:
        assert door.enter(str(tmp_path / "run"), lambda path: left.pop(0), program) is not None
    finally:
        os.close(inherited)
    group, session, folder, stdin, files, said = here.read_text().strip().split("|")
    assert int(session) not in (0, os.getsid(0)) and group == session
    assert (folder, stdin) == ("/", "/dev/null")
    assert files == str([0, 1, 2, int(said)])


def test_the_runner_of_a_cluster_is_this_program_started_anew(tmp_path: pathlib.Path) -> None:
    """With the modules of ours, wherever it is started from."""
    *program, word, cluster = door.program("one")
    assert (word, cluster) == (RUNNER, "one")
    for words in (["--version"], [word, cluster, "none"]):
        done = subprocess.run([*program, *words], cwd=tmp_path, capture_output=True, text=True,
                              check=False, env={"XDG_CONFIG_HOME": str(tmp_path)})
        told = done.stdout + done.stderr
        assert f"(gnt) {__version__}" in told or "there is no context one" in told, told
