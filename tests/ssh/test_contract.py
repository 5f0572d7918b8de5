"""What the engine relies on, asked of the real transport and of the fake that stands for it."""

from __future__ import annotations

import subprocess

import pytest

from gnt.engine.ports import Frame
from gnt.errors import Busy, NodeFailed
from tests.config.shells import Shells
from tests.fakes.transport import FakeTransport, Nodes

from .conftest import a_node, run

NAMES = ("node1", "node2", "node3")


def effects(node, call):
    """The fake's nodes run the same scripts, in processes of their own."""
    done = subprocess.run(["sh", "-c", call.args["body"], "sh", call.args["word"]], text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise NodeFailed(node.name, "failed", f"exit status {done.returncode}", task=call.task,
                         status=done.returncode, stderr=done.stderr)
    return done.stdout


@pytest.fixture(params=["fake", "real"])
def drivers(request, site):
    """Makes transports that reach the same three nodes."""
    if request.param == "real":
        return site.transport
    nodes = Nodes(*NAMES)

    def make():
        transport = FakeTransport(nodes, effects)
        transport.know([a_node(name) for name in NAMES], 1)
        return transport

    return make


def test_answers_are_keyed_by_call(drivers):
    calls = [run.on(name, f"echo {name}") for name in NAMES]
    assert drivers().ask(calls) == {call.key: f"{call.node}\n" for call in calls}


def test_asking_nothing(drivers):
    assert drivers().ask([]) == {} and drivers().perform([], fence="1") == {}


def test_a_failure_is_an_answer(drivers):
    bad, good = run.on("node1", "echo why >&2; exit 3"), run.on("node1", "echo fine")
    answers = drivers().ask([bad, good])
    failure = answers[bad.key]
    assert (failure.node, failure.kind, failure.status) == ("node1", "failed", 3)
    assert failure.stderr == "why\n" and failure.task == bad.task and not failure.unknown
    assert answers[good.key] == "fine\n"


def test_performing_stops_a_node_at_its_first_failure(drivers):
    calls = [run.on("node1", "true"), run.on("node1", "exit 1"), run.on("node1", "echo never"),
             run.on("node2", "echo other")]
    answers = drivers().perform(calls, fence="2")
    assert answers[calls[0].key] == "" and answers[calls[3].key] == "other\n"
    assert answers[calls[1].key].kind == "failed" and calls[2].key not in answers


def test_a_node_that_nobody_told_of(drivers):
    call = run.on("stranger", "true")
    failure = drivers().ask([call])[call.key]
    assert (failure.node, failure.kind) == ("stranger", "unreachable")


def test_fences_of_jobs_that_left_nothing(drivers):
    transport = drivers()
    transport.perform([run.on("node1", "true")], fence="3")
    assert transport.wait_fence(["node1", "node2"], "3", 1) == {"node1": None, "node2": None}


def test_a_job_belongs_to_one_living_driver(drivers):
    mine, other = drivers(), drivers()
    with mine.own("node1", "4"):
        with pytest.raises(Busy), other.own("node1", "4"):
            pass
        assert other.owned("node1", ["4", "5"]) == {"4": True, "5": False}
        assert other.wait_owner("node1", "4", 0.1) is False
    assert other.wait_owner("node1", "4", 5) is True
    assert other.owned("node1", ["4"]) == {"4": False}
    with other.own("node1", "4"):
        assert mine.owned("node1", ["4"]) == {"4": True}


def test_a_driver_that_closes_lets_go(drivers):
    mine, other = drivers(), drivers()
    mine.own("node1", "6").__enter__()
    mine.close()
    assert other.wait_owner("node1", "6", 5) is True


def test_every_phase_is_a_round_trip(drivers):
    transport = drivers()
    before = transport.round_trips
    transport.ask([run.on(name, "true") for name in NAMES])
    transport.perform([run.on(name, "true") for name in NAMES], fence="7")
    assert transport.round_trips == before + 2


@pytest.fixture(params=["fake", "real"])
def frames(request, site, tmp_path):
    """The lower half: what the store speaks, and the fake that its tests use."""
    if request.param == "real":
        yield site.transport()
        return
    shells = Shells(str(tmp_path))
    yield shells
    shells.close()


def to_all(text, **special):
    return {name: Frame(text=special.get(name, text)) for name in NAMES}


def test_enough_good_replies_are_waited_for_and_the_others_are_late(frames, tmp_path):
    gate = tmp_path / "gate"
    held = f"while [ ! -e {gate} ]; do sleep 0.05; done; echo first >>{tmp_path}/order"
    frames.frames(to_all("true"))
    replies = frames.frames(to_all("echo good", node3=held), deadline=60.0, enough=2)
    assert [replies[name].out for name in NAMES[:2]] == [b"good\n"] * 2
    assert (replies["node3"].kind, replies["node3"].unknown) == ("timeout", True)
    gate.touch()
    later = frames.frames({"node3": Frame(text=f"echo second >>{tmp_path}/order; echo mine")})
    assert later["node3"].out == b"mine\n"
    assert (tmp_path / "order").read_text() == "first\nsecond\n"


def test_bad_replies_are_not_counted_as_enough(frames):
    slow = "sleep 0.5; echo slow"
    frames.frames(to_all("true"))
    replies = frames.frames(to_all("exit 5", node2="echo good", node3=slow), enough=2)
    assert replies["node1"].status == 5
    assert (replies["node2"].out, replies["node3"].out) == (b"good\n", b"slow\n")


def test_a_grace_for_those_who_are_nearly_as_quick(frames):
    frames.frames(to_all("true"))
    replies = frames.frames(to_all("echo good"), enough=1)
    assert [replies[name].out for name in NAMES] == [b"good\n"] * 3
