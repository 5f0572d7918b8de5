"""Each rule of the checker can fail: what a good run left, with one thing put wrong."""

from __future__ import annotations

import copy

import pytest

from tests.config.chains import KEY, make_key
from tests.simulation import checker, scenario
from tests.simulation.plans import Plan

pytestmark = pytest.mark.later


def raw(key):
    return scenario._raw(key.public)


class Left:
    """What one seed left."""

    def __init__(self, seed):
        run = scenario.Scenario(Plan(seed))
        assert run.run().problems == []
        nodes = run.world.nodes
        self.files = checker.Files([node.files.backup() for node in nodes.values()])
        self.heads = {name: node.file("config/head").decode() for name, node in nodes.items()}
        self.head = next(iter(self.heads.values())).split()
        self.chain, self.base = self.files.chain(self.head[2])
        self.events = [event for client in run.clients for event in client.events]
        self.done = sorted((e for e in self.events if e.kind == "commit" and e.acknowledged),
                           key=lambda e: e.serial)
        self.objects = checker.state(self.chain, self.base)
        self.things = {(n, thing) for n, node in nodes.items() for thing in node.things}


@pytest.fixture(scope="module")
def left():
    return Left(0)


def told(problems, text):
    found = list(problems)
    assert any(text in problem for problem in found), found


def test_what_a_good_run_left_is_good(left):
    assert len(left.chain) > 5 and len(left.done) > 3
    assert [*checker.one_history(left.heads, left.files, raw(KEY)),
            *checker.linearizable(left.chain, left.events), *checker.exclusive(left.chain),
            *checker.owned(left.objects, left.things)] == []


def test_one_history(left):
    one = checker.one_history
    told(one({**left.heads, "n1": "1 2 other 1"}, left.files, raw(KEY)), "disagree")
    told(one(left.heads, left.files, raw(make_key(2))), "is not signed")
    cut = copy.copy(left.files)
    cut.bases = {}
    told(one(left.heads, cut, raw(KEY)), "does not begin with the first base")
    cut.records = {h: r for h, r in left.files.records.items() if r.serial != 3}
    told(one(left.heads, cut, raw(KEY)), "has the serials")
    back = copy.copy(left.files)
    back.records = {h: copy.copy(r) for h, r in left.files.records.items()}
    last = back.records[left.head[2]]
    last.txn = {**last.txn, "turn": 0, "term": 0}
    told(one(left.heads, back, raw(KEY)), "terms and turns go back")


def test_linearizable(left):
    first, last = copy.copy(left.done[0]), copy.copy(left.done[-1])
    first.start, first.end, last.start, last.end = 9.0, 10.0, 1.0, 2.0
    told(checker.linearizable(left.chain, [first, last]), "but comes after it")
    told(checker.linearizable([*left.chain, left.chain[-1]], []), "in the history twice")
    gone = [r for r in left.chain if r.txn.get("note") != first.token]
    told(checker.linearizable(gone, [first]), "and is lost")


def test_reads(left):
    first, last = left.done[0], left.done[-1]
    read = copy.copy(last)
    read.kind, read.start, read.heard = "read", last.end + 1, 99
    read.serial, read.hash = last.serial, "other"
    told(checker.reads(left.chain, [read]), "which is not in the history")
    read.serial = first.serial
    read.hash = next(r.hash for r in left.chain if r.serial == first.serial)
    told(checker.reads(left.chain, [first, last, read]), f"after {last.serial} was acknowledged")
    assert [*checker.reads(left.chain, [first, last, read], restored=True)] == []


def test_no_forks_and_no_torn_heads():
    told(checker.no_forks([("a", "1 2 x 1"), ("b", "1 2 y 1")]), "have different heads of term 1")
    told(checker.no_forks([("a", "1 2")]), "a torn head")
    assert [*checker.no_forks([("a", "1 2 x 1"), ("b", "2 2 y 1")])] == []


@pytest.mark.parametrize("kind", ["task", "fence", *checker.WRITES])
def test_terms(kind):
    told(checker.terms({"n1": [("fence", 3, 0), (kind, 2, 0)]}), f"did a {kind} of term 2")
    assert [*checker.terms({"n1": [("fence", 3, 0), (kind, 2, 4)]})] == []
    assert [*checker.terms({"n1": [("fence", 3, 0), ("restored", 0, 0), (kind, 2, 0)]})] == []


def job(name, **more):
    return {"state": "running", "operation": "toy build", "params": {"name": name}, **more}


def test_exclusive(left):
    record = copy.copy(left.chain[-1])

    def begun(*jobs):
        record.txn = {"put": [{"path": f"jobs/{n}", "value": job} for n, job in enumerate(jobs)]}
        return checker.exclusive([record])

    told(begun(job("a"), job("a")), "two jobs work on one thing")
    told(begun(job("a", exclusive=["x"]), job("b", shared=["x"])), "two jobs hold ['x']")
    assert [*begun(job("a", shared=["x"]), job("b", shared=["x"]))] == []
    assert [*begun(job("a"), job("a", state="waiting"))] == []


def test_owned(left):
    owned = checker.owned
    told(owned({**left.objects, "jobs/7": job("a")}, left.things), "jobs/7 is left")
    told(owned(left.objects, {*left.things, ("n1", "x-0")}), "things nobody owns")
    net = {**left.objects["networks/net"]}
    net["reservations"] = net["reservations"].replace(".", "X", 1)
    told(owned({**left.objects, "networks/net": net}, left.things), "reserved are")
    begun = {"name": "z", "tags": ["slot15", "on-n1,n2"]}
    told(owned({**left.objects, "groups/z": begun}, left.things), "groups/z was never finished")


def test_finished(left):
    event = copy.copy(left.done[0])
    event.kind, event.token = "job", "no such job"
    told(checker.finished(left.chain, [event]), "was reported as done; recorded is None")
