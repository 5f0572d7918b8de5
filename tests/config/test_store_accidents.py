"""What happens to a commit or a failover in between: another driver, another failover."""

from __future__ import annotations

import os

import pytest
from chains import KEY
from clusters import Cluster, change
from test_refusals import answered

from gnt.config import message as m
from gnt.config import replicate, signature
from gnt.config.failover import take_over
from gnt.engine.ports import Change
from gnt.errors import Conflict, Damaged, NodeFailed, NoMajority
from gnt.plan import Edit


def names(config):
    return {instance.uuid for instance in config.instances}


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def test_who_breaks_in_gives_the_turn_back(cluster):
    store = cluster.create()

    def make(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.commit(make)
    assert store.turn is None
    assert cluster.driver().commit(lambda _: change("instances/a")).serial == 2


def test_a_change_that_a_failover_left_behind_is_made_again(cluster):
    store = cluster.create()
    store.hold_turn()
    rest = cluster.peers()
    other = cluster.driver(peers=rest)
    other.read()
    rest.cut.add("n1")
    take_over(other, "n2")
    seen = []

    def make(config):
        seen.append(config.master.name)
        return change("instances/a")

    config = store.commit(make)
    assert (seen, config.term, config.master.name, names(config)) == (["n1", "n2"], 2, "n2", {"a"})
    assert names(other.read()) == {"a"}


def test_a_turn_whose_answer_is_not_believed_is_given_back(cluster):
    cluster.create()
    peers = cluster.peers()
    store = cluster.driver(peers=peers)
    store.read()
    cluster.driver().commit(lambda _: change("instances/a"))
    real = peers.ask

    def ask(messages, deadline=15.0, enough=None):
        return {name: answer.replace(parts=()) for name, answer in real(
            messages, deadline, enough).items()}

    peers.ask = ask
    with pytest.raises(Damaged, match="does not reach its head"):
        store.hold_turn()
    assert store.turn is None
    assert cluster.peers().ask({"n1": m.Take(term=1, asked=(0, 0), wait=0)})["n1"].status == m.OK


@pytest.mark.parametrize("work", ["read", "hold_turn"])
def test_a_driver_that_is_refused_asks_who_is_master_now(cluster, work):
    """The old master heard that a term had begun, and nothing after that."""
    store = cluster.create()
    peers = cluster.peers()

    def before(name, message):
        if not isinstance(message, (m.Fetch, m.Fence)):
            peers.cut.add("n1")

    peers.before = before
    take_over(cluster.driver(peers=peers), "n3")
    assert getattr(store, work)().master.name == "n3"
    assert store.unreached == ""


@pytest.mark.parametrize(("problem", "said"), [
    ("no room", "n1: no room"), ("", "n1: it could not write the change")])
def test_a_master_that_cannot_write_says_why(cluster, problem, said):
    cluster.create()

    def instead(name, message):
        return m.Answer(status=m.FAILED, problem=problem) if isinstance(message, m.Commit) else None

    store = cluster.driver(peers=answered(cluster.peers(), instead))
    with pytest.raises(NodeFailed, match=said) as caught:
        store.commit(lambda _: change("instances/a"))
    assert caught.value.hint == "is a disk of n1 full?" and store.turn is None


def test_a_copy_is_opened_once(cluster):
    store = cluster.create()
    assert store.cached().serial == 1
    store.replica.disk.remove("head")
    assert store.cached().serial == 1


def test_reading_asks_the_master_and_nobody_else(cluster):
    store = cluster.create()
    store.read()
    asked = []
    store.peers.before = lambda name, message: asked.append(name)
    written = [os.stat(store.replica.disk.path(name)).st_ino for name in ("head", "trust.toml")]
    assert store.read().serial == 1
    assert asked == ["n1"]
    assert written == [os.stat(store.replica.disk.path(name)).st_ino
                       for name in ("head", "trust.toml")]


def test_a_long_journal_begins_anew(cluster):
    store = cluster.create()
    for number in range(6):
        store.commit(lambda _, n=number: change(f"instances/i{n}", reason="x" * 200_000))
    assert store.replica.position.base == 7
    store.commit(lambda _: change("instances/a"))
    assert (store.replica.position.base, store.replica.position.serial) == (7, 8)
    assert len(cluster.heads()) == 1


def test_a_change_that_a_failover_took_along_is_not_made_again(cluster):
    store = cluster.create()
    rest = cluster.peers()
    other = cluster.driver(peers=rest)
    other.read()
    rest.cut.add("n1")
    made, taken = [], []

    def before(name, message):
        if name == "n3" and isinstance(message, m.Append) and not taken:
            taken.append(take_over(other, "n3"))  # n2 has the record already

    store.peers.before = before

    def make(_):
        made.append(True)
        return change("instances/a")

    config = store.commit(make, attempts=1)
    assert (made, [done.rescued for done in taken]) == ([True], [(2,)])
    assert (config.term, config.master.name, names(config)) == (2, "n3", {"a"})


def test_a_driver_that_others_have_overtaken_takes_another_turn(cluster):
    store = cluster.create()
    store.read()
    made = []

    def before(name, message):
        if len(made) == 1 and isinstance(message, m.Append):
            cluster.disks[name].replace("turn", b"1 50\n")  # another driver's, which has ended
        if len(made) == 1 and isinstance(message, m.Take):
            cluster.disks[name].replace("turn", b"1 60\n")

    store.peers.before = before

    def make(_):
        made.append(True)
        return change("instances/a")

    assert names(store.commit(make)) == {"a"}
    assert len(made) == 2 and len(cluster.heads()) == 1


def test_the_record_of_a_job_that_was_begun_here(cluster):
    job = {"id": "@", "operation": "x y", "params": {}, "author": "", "driver": "",
           "state": "running"}
    store = cluster.create()
    store.commit(lambda _: Change(edits=(Edit(path="jobs/@", value=job),), operation="x y"))
    body, armored = store.record_of("2")
    assert signature.verify(body, signature.unarmored(armored.decode(), "x"), "x") == KEY.public
    assert body.startswith(b"[txn.2]\n")
    with pytest.raises(Conflict, match="record of job 3 was not made by this command") as caught:
        store.record_of("3")
    assert caught.value.hint == "gnt-job resume 3"


def test_candidates_to_ask_before_anything_is_known(cluster):
    assert cluster.driver(hints=("n7", "n8")).candidates() == ["n7", "n8"]
    assert cluster.create().candidates() == ["n1", "n2", "n3"]


def test_a_failover_without_voting_whose_new_master_cannot_write(cluster):
    cluster.create()
    reader = cluster.driver()
    reader.read()

    def instead(name, message):
        failing = isinstance(message, (m.Learn, m.Append, m.Install)) and name == "n2"
        return m.Answer(status=m.FAILED, problem="no room") if failing else None

    cluster.driver().commit(lambda _: change("instances/a"))
    store = cluster.driver(peers=answered(cluster.peers(), instead))
    with pytest.raises(NodeFailed, match="n2: no room"):
        take_over(store, "n2", no_voting=True)
    assert take_over(cluster.driver(), "n2").master == "n2"


def test_a_failover_of_nobody_knows_what(cluster):
    cluster.create()
    peers = cluster.peers()
    peers.cut |= set(cluster.names)
    with pytest.raises(NodeFailed, match="no route"):
        take_over(cluster.driver(peers=peers), "n2")


def test_what_is_torn_at_the_end_of_a_journal_is_not_taken_along(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    peers = cluster.peers()
    survivor = cluster.driver(peers=peers)
    survivor.read()
    peers.cut.add("n1")
    disk = cluster.disks["n2"]
    disk.append("journal-1.toml", disk.size("journal-1.toml"), b'[txm.3]\nsig = "A"\n\n')
    done = take_over(survivor, "n3")
    assert (done.reached, done.rescued) == (("n2", "n3"), ())
    assert [name for name in survivor.replica.disk.names() if "failover" in name] == []
    assert disk.read("journal-1.toml") == cluster.disks["n3"].read("journal-1.toml")


def test_copies_of_failovers_that_died_are_swept_away(cluster):
    store = cluster.create()
    for name in ("failover-999999999", f"failover-{os.getppid()}"):
        store.replica.disk.folder(name).prepare()
    take_over(store, "n2")
    left = [name for name in store.replica.disk.names() if name.startswith("failover-")]
    assert left == [f"failover-{os.getppid()}"]
    assert store.replica.disk.read("head")


@pytest.mark.parametrize("kinds", [(m.Learn, m.Append, m.Install), (m.Append,)])
def test_a_failover_needs_a_majority_at_every_step(cluster, kinds):
    """What was committed before, and its own record, are each on two of three, or it is none."""
    cluster.create()
    peers = cluster.peers()

    def instead(name, message):
        failing = name == "n3" and isinstance(message, kinds)
        return m.Answer(status=m.FAILED, problem="no room") if failing else None

    store = cluster.driver(peers=answered(peers, instead))
    store.read()
    peers.cut.add("n1")
    with pytest.raises(NoMajority, match=r"the failover was refused: 1 of 3(.|\n)*n3: no room"):
        take_over(store, "n2")


def test_majorities():
    assert [replicate.majority(count) for count in range(1, 8)] == [1, 2, 2, 3, 3, 4, 4]


def test_a_failover_whose_last_word_is_refused_is_none(cluster):
    cluster.create()

    def instead(name, message):
        return m.Answer(status=m.FAILED, problem="no room") if isinstance(message, m.Commit) else (
            None)

    with pytest.raises(Damaged, match="n2: no room") as caught:
        take_over(cluster.driver(peers=answered(cluster.peers(), instead)), "n2")
    assert caught.value.hint == "run the failover again"
