"""What the store refuses, and what it does when nobody answers as it should."""

from __future__ import annotations

import itertools

import pytest
from chains import make_entry, make_key
from clusters import Cluster, change

from gnt.config import compaction, replicate
from gnt.config import message as m
from gnt.config.failover import take_over
from gnt.config.ledger import Ledger
from gnt.engine.ports import Change
from gnt.errors import (
    Busy,
    Damaged,
    Fenced,
    GntError,
    NoCluster,
    NodeFailed,
    NoMajority,
    NotAuthorised,
    Stale,
)
from gnt.plan import Edit


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def answered(peers, instead):
    """Peers some of whose messages are not done: ``instead(name, message)`` answers, or None."""
    real = peers.ask

    def ask(messages, deadline=15.0, enough=None):
        answers = {name: instead(name, message) for name, message in messages.items()}
        rest = {name: message for name, message in messages.items() if answers[name] is None}
        return {**answers, **(real(rest, deadline, enough) if rest else {})}

    peers.ask = ask
    return peers


def always(status=m.FAILED, problem="no room", kind=m.Message):
    return lambda name, message: m.Answer(status=status, problem=problem) if (
        isinstance(message, kind)) else None


# --- reading --------------------------------------------------------------------------------------


def test_without_anything_known_there_is_no_cluster(cluster):
    store = cluster.driver()
    store._hints = ()
    with pytest.raises(NoCluster, match="no cluster here"):
        store.read()
    assert store.cached() is None


def test_a_candidate_without_a_configuration_is_named(cluster):
    with pytest.raises(NoCluster, match="n1 holds no configuration"):
        cluster.driver(hints=("n1",)).read()


def test_who_does_not_answer_is_named_when_nothing_is_known(cluster):
    peers = cluster.peers()
    peers.cut |= {"n1", "n2", "n3"}
    with pytest.raises(NodeFailed, match="no route"):
        cluster.driver(peers=peers).read()


@pytest.mark.parametrize(("status", "kind"), [
    (m.BUSY, Busy), (m.REFUSED, Fenced), (m.DAMAGED, Damaged), (m.FAILED, NodeFailed),
    (m.BEHIND, NodeFailed),
])
def test_a_refusal_is_an_error_of_its_kind(cluster, status, kind):
    cluster.create()
    store = cluster.driver(peers=answered(cluster.peers(), always(status, "")), hints=("n1",))
    with pytest.raises(kind) as caught:
        store.read()
    assert "n1" in caught.value.message and caught.value.hint
    if isinstance(caught.value, NodeFailed):
        assert (caught.value.node, caught.value.kind) == ("n1", "failed")


def test_why_a_candidate_did_nothing():
    for status, words in ((m.BUSY, "busy"), (m.BEHIND, "away"), (m.NO_TURN, "turn is over"),
                          (99, "status 99")):
        assert words in replicate.why(m.Answer(status=status))
    assert replicate.why(m.Answer(status=m.BUSY, problem="x")) == "x"
    assert replicate.why(NodeFailed("n", "lost", "gone")) == "gone"


def test_candidates_that_point_at_each_other_end_in_an_error(cluster):
    """Each state says that another is the master."""
    store = cluster.create()
    turns = itertools.cycle(["n1", "n2", "n3"])
    real = store.master
    store.master = lambda: next(turns) if store.replica.position.serial else real()
    for work in (store.read, store.hold_turn):
        with pytest.raises(Damaged, match="do not agree who is the master"):
            work()
    assert store.turn is None


def test_a_state_that_is_held_is_read_without_asking(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    store.hold_turn()
    asked = peers.asked
    assert store.read().serial == 1 and peers.asked == asked
    assert store.turn_frame() is None
    store.release()
    store.release()
    store.read()
    assert peers.asked > asked


def test_a_turn_of_a_node_that_is_no_master_is_given_back(tmp_path):
    cluster = Cluster(tmp_path, kind="remote")
    try:
        store = cluster.create()
        node, frame = store.turn_frame()
        assert node == "n1" and frame.text
        master = iter(["n2", "n2", "n2"])
        reply = store.peers._frames.frames({node: frame})[node]
        store.master = lambda: next(master)
        store.accept_turn(node, reply)
        assert store.turn is None
    finally:
        cluster.close()


# --- committing -----------------------------------------------------------------------------------


def test_a_configuration_that_always_moves_is_given_up(cluster):
    store = cluster.create(peers=answered(cluster.peers(), always(m.MOVED, "", m.Commit)))
    with pytest.raises(Stale, match="moved 3 times") as caught:
        store.commit(lambda _: change("instances/a"), attempts=3)
    assert caught.value.hint == "try again"
    assert cluster.driver().commit(lambda _: change("instances/b")).serial >= 2


def test_a_record_that_another_base_swallowed_is_found_in_the_history(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    entry = Ledger(lambda: store).chapters()[0].entries()[0]
    assert store.holds(entry)
    compaction.compact(store)
    assert store.holds(entry)
    other = make_entry(2, entry.hash)
    assert store.holds(other) is False
    assert store.holds(make_entry(9, entry.hash)) is False


def test_a_history_that_nobody_keeps_says_so(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    entry = Ledger(lambda: store).chapters()[0].entries()[0]
    compaction.compact(store)
    for name in cluster.names:
        cluster.disks[name].remove("base-1.toml")
        cluster.disks[name].remove("journal-1.toml")
    with pytest.raises(Damaged, match="nobody keeps the journal with change 2"):
        Ledger(lambda: store).keeps(entry)
    assert len(Ledger(lambda: store).chapters()) == 1


@pytest.mark.parametrize("status", [m.FAILED, None])
def test_a_compaction_that_is_refused_changes_nothing(cluster, status):
    def instead(name, message):
        if not isinstance(message, m.Install) or message.head.serial == 1:
            return None
        return NodeFailed(name, "lost", "gone") if status is None else m.Answer(status=status)

    store = cluster.create(peers=answered(cluster.peers(), instead))
    store.commit(lambda _: change("instances/a"))
    before = store.replica.position
    compaction.compact(store)
    assert store.replica.position == before and store.turn is None
    assert store.commit(lambda _: change("instances/b")).serial == 3


def test_a_compaction_that_cannot_begin_stands_in_nobody_s_way(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    peers.cut.add("n1")
    compaction.attempt(store)
    assert store.turn is None and store.replica.position.base == 1
    peers.cut.clear()
    before = cluster.disks["n1"].read("base-1.toml")
    compaction.compact(store)  # there is nothing to do: the base stands at the head
    assert store.replica.position.base == 1 and store.turn is None
    assert cluster.disks["n1"].read("base-1.toml") == before


@pytest.mark.parametrize("lost", [True, False])
def test_a_cluster_that_cannot_be_begun(cluster, lost):
    def instead(name, message):
        if not isinstance(message, m.Install):
            return None
        return NodeFailed(name, "lost", "gone") if lost else m.Answer(status=m.FAILED,
                                                                      problem="full")

    store = cluster.driver(peers=answered(cluster.peers(), instead))
    from chains import first_data

    with pytest.raises(NodeFailed, match="gone" if lost else "full"):
        store.create(first_data(), "n1")


# --- failover -------------------------------------------------------------------------------------


def test_a_failover_by_a_stranger_fences_nobody_for_good(cluster):
    cluster.create()
    with pytest.raises(NotAuthorised):
        take_over(cluster.driver(key=make_key(9)), "n2")


def test_a_failover_to_what_is_no_candidate(cluster):
    from chains import first_data

    data = first_data(nodes=cluster.names)
    data["nodes"]["uuid-n3"]["master_candidate"] = False
    store = cluster.create(data=data)
    with pytest.raises(GntError, match="n3 is no master candidate") as caught:
        take_over(store, "n3")
    assert "gnt-node modify" in caught.value.hint


@pytest.mark.parametrize(("status", "said"), [(None, "gone"), (m.FAILED, "no room")])
@pytest.mark.parametrize("kind", [
    m.Take, pytest.param(m.Commit, marks=pytest.mark.slow)])  # a turn has to run out first
def test_a_failover_whose_new_master_fails_can_be_run_again(cluster, kind, status, said):
    cluster.create().commit(lambda _: change("instances/a"))
    broken = []

    def instead(name, message):
        if not isinstance(message, kind) or broken:
            return None
        broken.append(name)
        return NodeFailed(name, "lost", said) if status is None else m.Answer(
            status=status, problem=said)

    store = cluster.driver(peers=answered(cluster.peers(), instead))
    with pytest.raises(GntError, match=said) as caught:
        take_over(store, "n2")
    assert broken == ["n2"] and isinstance(caught.value, NodeFailed) is (status is None)
    again = take_over(cluster.driver(), "n2")
    assert (again.master, len(again.reached)) == ("n2", 3)
    assert {i.name for i in cluster.driver().read().instances} == {"name-of-a"}


def test_a_failover_without_voting_needs_the_new_master(cluster):
    cluster.create()
    peers = cluster.peers()
    store = cluster.driver(peers=peers)
    store.read()
    peers.cut |= {"n1", "n2"}
    with pytest.raises(GntError):
        take_over(store, "n2", no_voting=True)
    done = take_over(store, "n3", no_voting=True)
    assert (done.master, done.reached) == ("n3", ("n3",))
    assert set(done.missing) == {"n1", "n2"}
    (newest, *_) = Ledger(lambda: store).log()
    assert newest["note"] == "without a majority: only n3 took part"


def test_two_failovers_at_once_one_gives_up(cluster):
    cluster.create()

    def instead(name, message):
        if isinstance(message, m.Fence):
            return m.Answer(status=m.REFUSED, fence=message.term + 1, problem="later")
        return None

    with pytest.raises(NoMajority):
        take_over(cluster.driver(peers=answered(cluster.peers(), instead)), "n2")


def test_a_tail_that_is_torn_counts_for_nothing(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    for name in ("n2", "n3"):
        disk = cluster.disks[name]
        disk.append("journal-1.toml", disk.size("journal-1.toml"), b'[txm.3]\nsig = "A"\n\n')
    peers = cluster.peers()
    peers.cut.add("n1")
    with pytest.raises(GntError):
        take_over(cluster.driver(peers=peers), "n2")


def test_a_failover_keeps_edits_that_belong_to_it(cluster):
    store = cluster.create()
    added = Edit(path="groups/g2", value={"uuid": "g2", "name": "more"})
    done = take_over(store, "n2", also=lambda config: (added,))
    assert done.master == "n2"
    assert {group.name for group in cluster.driver().read().groups} == {"default", "more"}
    assert Change(edits=(), operation="x").edits == ()
