"""``gnt-job cancel`` and ``change-priority`` for several jobs."""

from __future__ import annotations

import pytest

from gnt.commands.job.cancel import Cancel
from gnt.commands.job.change_priority import ChangePriority
from gnt.errors import ConfirmationNeeded, Conflict, Invalid, NodeFailed
from gnt.model.objects import Job
from tests.commands import build
from tests.commands.sessions import Desk


def job(number, state):
    return Job(id=number, operation="x", params={}, author="a", driver="d", state=state)


class Queue(Desk):
    """Jobs 3 (running), 4 and 5 (waiting); ``stuck`` cannot be cancelled, and says why."""

    def __init__(self, stuck=None, **settings):
        states = ("running", "waiting", "waiting")
        super().__init__(build.cluster(*map(job, "345", states)), **settings)
        self.stuck = stuck or {}
        self.cancelled, self.moved = [], []

    def cancel(self, job):
        if job in self.stuck:
            raise self.stuck[job]
        self.cancelled.append(job)
        return f"job {job} is cancelled"

    def change_priority(self, job, priority):
        self.moved.append((job, priority))


@pytest.mark.parametrize("flag", ["pending", "queued", "waiting"])
def test_all_that_have_not_begun(flag):
    queue = Queue()
    assert Cancel(**{flag: True}).run(queue) == 0
    assert queue.questions == ["cancel jobs 4, 5?"]
    assert queue.cancelled == ["4", "5"]
    assert ChangePriority(priority="low", force=True, **{flag: True}).run(queue) == 0
    assert queue.moved == [("4", "low"), ("5", "low")]
    assert len(queue.questions) == 1


def test_a_no_cancels_nothing():
    queue = Queue(yes=False)
    with pytest.raises(ConfirmationNeeded):
        Cancel(pending=True).run(queue)
    assert queue.cancelled == []


def test_one_that_is_refused_does_not_keep_the_others_back():
    queue = Queue({"4": Conflict("job 4 has ended", hint="gnt-job info 4")})
    assert Cancel(job=("4", "5")).run(queue) == 1
    assert queue.told == ["job 4 has ended\n  hint: gnt-job info 4", "job 5 is cancelled"]


def test_a_master_that_does_not_answer_ends_it():
    with pytest.raises(NodeFailed):
        Cancel(job=("4", "5")).run(Queue({"4": NodeFailed("node1", "unreachable", "is away")}))


@pytest.mark.parametrize("fields", [{}, {"pending": True, "job": ("3",)}])
def test_numbers_or_a_flag(fields):
    with pytest.raises(Invalid):
        Cancel(**fields).run(Queue())
