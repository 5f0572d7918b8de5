"""One suite for the fakes and for what they stand for: real sshds, the signed store."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from gnt.engine.ports import Change
from gnt.errors import Busy, Conflict, NodeFailed
from gnt.plan import Edit, node_task, script
from tests.engine.toys import effects, look, make, unmake
from tests.fakes.store import Disk, FakeStore
from tests.fakes.transport import FakeTransport, Nodes

sys.path.append(str(Path(__file__).parent.parent / "config"))  # where chains and clusters are

NAMES = ("node1", "node2", "node3")


@node_task(deadline=5)
def fail(thing):
    return script('echo "$1 broke" >&2; exit 3', thing)


def with_failures(node, call):
    if call.task == fail.name:
        raise NodeFailed(node.name, "failed", "exit status 3", task=call.task, status=3,
                         stderr=f"{call.args['thing']} broke")
    return effects(node, call)


class FakeSite:
    def __init__(self):
        self.nodes = Nodes(*NAMES)

    def transport(self):
        made = FakeTransport(self.nodes, with_failures)
        made.known = set(NAMES)
        return made

    def stop(self):
        """Nothing runs."""


def real_site(folder):
    from tests.ssh.conftest import Site

    site = Site(folder)
    for name in NAMES:
        site.add(name)
    return site


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.lab)])
def site(request, tmp_path_factory):
    made = FakeSite() if request.param == "fake" else real_site(tmp_path_factory.mktemp("gnt-eng"))
    yield made
    made.stop()


def test_answers_come_by_call(site):
    calls = [look.on(name, "nothing") for name in NAMES]
    answers = site.transport().ask(calls)
    assert set(answers) == {call.key for call in calls}
    assert {str(answer).strip() for answer in answers.values()} == {""}


def test_an_unknown_node_is_an_answer_not_an_exception(site):
    call = look.on("nowhere", "x")
    answer = site.transport().ask([call])[call.key]
    assert isinstance(answer, NodeFailed) and answer.node == "nowhere"
    assert answer.kind == "unreachable" and not answer.unknown


def test_a_node_stops_at_a_failure_and_others_do_not(site):
    transport = site.transport()
    calls = [make.on("node1", "c1"), fail.on("node1", "it"), make.on("node1", "c2"),
             make.on("node2", "c3")]
    answers = transport.perform(calls, fence="501")
    assert calls[2].key not in answers
    failed = answers[calls[1].key]
    assert isinstance(failed, NodeFailed) and failed.kind == "failed" and not failed.unknown
    assert failed.status == 3 and "it broke" in failed.stderr
    there = [look.on("node1", "c1"), look.on("node1", "c2"), look.on("node2", "c3")]
    answers = transport.ask(there)
    assert [str(answers[call.key]).strip() for call in there] == ["yes", "", "yes"]
    transport.perform([unmake.on("node1", "c1"), unmake.on("node2", "c3")], fence="501")


def test_a_job_has_one_driver_at_a_time(site):
    mine, other = site.transport(), site.transport()
    with mine.own("node1", "601"):
        assert other.owned("node1", ["601", "602"]) == {"601": True, "602": False}
        with pytest.raises(Busy), other.own("node1", "601"):
            raise AssertionError("two drivers of one job")
        with other.own("node1", "602"):
            assert mine.owned("node1", ["602"]) == {"602": True}
        assert other.wait_owner("node1", "601", 0.2) is False
    assert other.wait_owner("node1", "601", 5) is True
    with other.own("node1", "601"):
        assert mine.owned("node1", ["601"]) == {"601": True}


def test_whoever_waits_for_a_driver_wakes_when_it_dies(site):
    mine, other = site.transport(), site.transport()
    owning = mine.own("node1", "603")
    owning.__enter__()
    woken = []
    thread = threading.Thread(target=lambda: woken.append(other.wait_owner("node1", "603", 30)))
    thread.start()
    mine.close()
    thread.join(40)
    assert woken == [True]
    with other.own("node1", "603"):
        assert other.owned("node1", ["603"]) == {"603": True}


def test_a_quiet_fence_is_not_waited_for(site):
    transport = site.transport()
    transport.perform([make.on("node1", "c4")], fence="701")
    assert transport.wait_fence(["node1", "node2"], "701", 5) == {"node1": None, "node2": None}
    transport.perform([unmake.on("node1", "c4")], fence="701")
    transport.clear_fence(["node1"], "701")


def test_round_trips_are_counted(site):
    transport = site.transport()
    before = transport.round_trips
    transport.ask([look.on(name, "x") for name in NAMES])
    assert transport.round_trips == before + 1


class FakeStores:
    def __init__(self, folder):
        from chains import first_data

        self.disk = Disk(first_data())

    def store(self):
        return FakeStore(self.disk)


class SignedStores:
    """Candidates on this machine; every driver is a store with a copy of its own."""

    def __init__(self, folder):
        from clusters import Cluster

        self.cluster = Cluster(folder)
        self.cluster.create()

    def store(self):
        from gnt.session.riding import Riding

        return Riding(self.cluster.driver(), frames=None)


@pytest.fixture(params=[FakeStores, SignedStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


def put(key, **more):
    return Edit(path=f"groups/{key}", value={"uuid": key, "name": f"name-{key}", **more})


def change(*edits, **more):
    return Change(edits=edits, operation="group add", **more)


def test_what_is_committed_is_read_by_all(stores):
    mine, other = stores.store(), stores.store()
    before = other.read()
    after = mine.commit(lambda cfg: change(put("a")))
    assert after.serial == before.serial + 1
    assert other.read().serial == after.serial
    assert other.read().group("name-a").uuid == "a"
    assert before.state.load("groups", "a") is None  # what was read does not change


def test_make_sees_the_newest_state_and_its_serial_is_the_next(stores):
    mine, other = stores.store(), stores.store()
    mine.read()
    other.commit(lambda cfg: change(put("a")))
    seen = []

    def make_change(cfg):
        seen.append((cfg.serial, cfg.state.load("groups", "a") is not None))
        return change(put("b"))

    after = mine.commit(make_change)
    assert seen[-1] == (after.serial - 1, True)


def test_what_make_raises_passes_through_and_changes_nothing(stores):
    store = stores.store()
    before = store.read().serial

    def refuse(cfg):
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.commit(refuse)
    assert store.read().serial == before
    assert stores.store().commit(lambda cfg: change(put("a"))).serial == before + 1


def test_a_new_jobs_path_is_its_serial(stores):
    store = stores.store()

    def begin(cfg):
        number = str(cfg.serial + 1)
        return change(Edit(path="jobs/@", value={
            "id": number, "operation": "o", "params": {}, "author": "a", "driver": "d",
            "state": "waiting"}))

    after = store.commit(begin)
    (job,) = after.jobs
    assert job.id == str(after.serial)


def test_turns_may_be_asked_for_and_given_back_at_any_time(stores):
    mine, other = stores.store(), stores.store()
    mine.take_turn()
    mine.take_turn()
    mine.give_turn()
    mine.give_turn()
    other.commit(lambda cfg: change(put("a")))
    mine.take_turn()
    assert mine.commit(lambda cfg: change(put("b"))).group("name-a").uuid == "a"


def test_the_history_names_what_happened_newest_first(stores):
    store = stores.store()
    store.commit(lambda cfg: change(put("a"), reason="why", job="7", result="success"))
    store.commit(lambda cfg: Change(edits=(), operation="job archive", note="7"))
    newest, before = list(store.history(newest=2))
    assert (newest["operation"], newest["note"]) == ("job archive", "7")
    assert int(newest["serial"]) == int(before["serial"]) + 1
    told = {name: before[name] for name in ("operation", "job", "reason", "result")}
    assert told == {"operation": "group add", "job": "7", "reason": "why", "result": "success"}
    assert before["who"]
