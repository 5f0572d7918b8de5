"""How a job is shown: golden lines, with a clock of our own."""

from __future__ import annotations

import io
import os
import termios

import pytest

from gnt.cli.progress import ERASE, Live, Plain, amount, bar, listener, sized, span
from gnt.errors import NodeFailed
from gnt.plan import Call, Plan, Progress, Step


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def step(title: str) -> Step:
    return Step(do=Call(task="storage.file.create", node="node1", args={}), title=title)


PLAN = Plan(attempt=(step("create disk 0 (10.0G)"), step("")), settle=(step("copy memory"),),
            notes=("web1 was down",))


def played(make) -> tuple[str, Clock]:
    out, clock = io.StringIO(), Clock()
    shown = make(out, clock)
    shown.waiting("17", ["16"])
    shown.job_started("17", PLAN)
    for index, one in enumerate(PLAN.steps):
        shown.step_started(index, one)
        clock.now += 2.6 if index == 0 else 0.2
        if index == 2:
            for done in (1, 2):
                clock.now += 40
                shown.step_progress(index, one, Progress(what="memory", done=done << 30,
                                                         total=4 << 30))
        shown.step_done(index, one)
    shown.job_done("17", "success")
    return out.getvalue(), clock


def test_plain_lines_when_nobody_watches() -> None:
    text, _ = played(Plain)
    assert text == """\
job 17 waits for 16
job 17 started, 3 steps
  note: web1 was down
[1/3] create disk 0 (10.0G) (3s)
[2/3] node1: storage.file.create
[3/3] copy memory: 1.0 GiB of 4.0 GiB, 2m01s left
[3/3] copy memory: 2.0 GiB of 4.0 GiB, 1m20s left
[3/3] copy memory (1m20s)
job 17: success
"""


def test_a_terminal_gets_a_live_last_line_within_its_width() -> None:
    text, _ = played(lambda out, clock: Live(out, clock, 60))
    assert ERASE + "[3/3] copy memory [#####...............] 1.0 GiB of 4.0 GiB" in text
    drawn = [part for part in text.replace("\n", ERASE).split(ERASE) if part]
    assert max(map(len, drawn)) < 60
    assert text.endswith("job 17: success\n")


def test_failure_and_undo_are_told() -> None:
    out = io.StringIO()
    shown = Plain(out, Clock())
    shown.job_started("3", PLAN)
    shown.step_failed(1, PLAN.steps[1], NodeFailed("node1", "failed", "exit status 1"))
    shown.undoing(0, PLAN.steps[0])
    shown.job_done("3", "undone")
    assert out.getvalue().splitlines()[2:] == [
        "[2/3] node1: storage.file.create: FAILED: node node1: exit status 1",
        "undo   create disk 0 (10.0G)", "job 3: undone"]


def test_short_lived_progress_is_not_drawn_too_often() -> None:
    out, clock = io.StringIO(), Clock()
    shown = Live(out, clock, 80)
    shown.job_started("3", PLAN)
    shown.step_started(0, PLAN.steps[0])
    before = out.getvalue().count(ERASE)
    for done in range(1000):
        clock.now += 0.001
        shown.step_progress(0, PLAN.steps[0], Progress(what="x", done=done, total=1000))
    assert 8 <= out.getvalue().count(ERASE) - before <= 12


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (59.4, "59s"), (60, "1m00s"), (3599, "59m59s"), (7500, "2h05m")])
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(("number", "unit", "text"), [
    (0, "B", "0 B"), (1023, "B", "1023 B"), (1536, "B", "1.5 KiB"), (5 << 40, "B", "5.0 TiB"),
    (3, "blocks", "3 blocks")])
def test_sizes(number: int, unit: str, text: str) -> None:
    assert sized(number, unit) == text


def test_unknown_totals_have_no_bar() -> None:
    assert bar(Progress(what="x", done=5)) == ""
    assert amount(Progress(what="waiting for the guest"), 10) == "waiting for the guest"
    assert bar(Progress(what="x", done=9, total=5)) == "[" + "#" * 20 + "]"


def test_what_is_no_terminal_gets_plain_lines() -> None:
    assert type(listener(io.StringIO())) is Plain


@pytest.mark.parametrize(("term", "kind"), [("xterm", Live), ("dumb", Plain), (None, Plain)])
def test_a_terminal_that_cannot_take_a_line_back_gets_plain_lines(term, kind, monkeypatch) -> None:
    monkeypatch.delenv("TERM", raising=False)
    if term:
        monkeypatch.setenv("TERM", term)
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 33))
    with os.fdopen(theirs, "w") as out:
        made = listener(out)
    os.close(ours)
    assert type(made) is kind
    assert getattr(made, "width", 33) == 33
