"""What the store refuses, and what it does when nobody answers as it should."""

from __future__ import annotations

import itertools

import pytest
from chains import CLUSTER, KEY, follow, make_base, make_entry, make_key
from clusters import Cluster, change

from gnt.config import base as bases
from gnt.config import compaction, history, remote, replicate, upgrade, verify
from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import CacheDisk, Disk
from gnt.config.failover import take_over
from gnt.config.history import Chapter
from gnt.config.journal import Put
from gnt.config.ledger import Ledger
from gnt.config.memory_state import FollowingState
from gnt.config.replica import Replica
from gnt.config.trust import Pin, Trusted
from gnt.engine.ports import Change, Reply
from gnt.errors import (
    Busy,
    Damaged,
    Fenced,
    GntError,
    NoCluster,
    NodeFailed,
    NoMajority,
    NotAuthorised,
    NotFound,
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
    assert not store.holds(other)
    assert not store.holds(make_entry(9, entry.hash))


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
    compaction.compact(store)  # there is nothing to do: the base stands at the head
    assert store.replica.position.base == 1


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
    with pytest.raises(GntError, match=said):
        take_over(store, "n2")
    assert broken == ["n2"]
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


# --- the history ----------------------------------------------------------------------------------

BASE = make_base()
HEAD = bases.parse(BASE, "x").head
ENTRIES = follow(HEAD, 2, 3)
JOURNAL = b"".join(entry.record for entry in ENTRIES)
CHAPTER = Chapter(number=1, base=BASE, journal=JOURNAL)


def test_chapters_that_do_not_fit():
    later = make_base(serial=3, head=ENTRIES[1].hash, previous=1)
    newer = Chapter(number=3, base=later, journal=b"")
    assert history.linked(CHAPTER, newer).journal == b"".join(e.record for e in ENTRIES[:2])
    same = Chapter(number=1, base=make_base(serial=1, head=HEAD), journal=b"")
    assert history.linked(CHAPTER, same).journal == b""
    with pytest.raises(Damaged, match="does not continue"):
        history.linked(CHAPTER, Chapter(number=9, base=make_base(serial=9, head="f" * 64),
                                        journal=b""))


def test_a_chapter_that_breaks_off():
    with pytest.raises(Damaged, match=r"journal-1\.toml: it breaks off after byte"):
        Chapter(number=1, base=BASE, journal=JOURNAL + b"[txn.5]\n").entries()


def test_states_that_are_not_kept():
    assert history.state_at([CHAPTER], 3).serial == 3
    for serial in (0, 5):
        with pytest.raises(NotFound):
            history.state_at([CHAPTER], serial)


def test_a_history_of_nothing_is_not_verified():
    with pytest.raises(Damaged, match="no history to verify"):
        verify.verify([])


def test_a_base_that_skips_records_is_found():
    skipping = make_base(serial=4, head=ENTRIES[1].hash, previous=1)
    with pytest.raises(Damaged):
        verify.verify([CHAPTER, Chapter(number=4, base=skipping, journal=b"")])


def test_who_signed_the_first_base_can_be_demanded():
    good, _ = verify.verify([CHAPTER], [KEY.public])
    assert (good.cluster, good.serial, good.records, good.bases) == (CLUSTER, 4, 3, 1)
    assert verify.verify([CHAPTER], good.root)[0] == good
    with pytest.raises(NotAuthorised, match="not by a signer that was named"):
        verify.verify([CHAPTER], [make_key(2).public])


# --- trust ----------------------------------------------------------------------------------------


def trusted(base=BASE):
    made = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    made.begin(base, "base")
    return made


def test_a_base_that_is_older_or_another_is_refused():
    one = trusted()
    for entry in ENTRIES:
        one.follow(entry, "j")
    with pytest.raises(Damaged, match="older than 4 of term 1, which was seen before"):
        one.begin(BASE, "b")
    with pytest.raises(Damaged, match="another history has the serial 4"):
        one.begin(make_base(serial=4, head="f" * 64), "b")
    one.begin(make_base(serial=4, head=ENTRIES[-1].hash), "b")
    one.begin(make_base(serial=2, term=2, head="e" * 64), "b")
    assert one.position.term == 2


def test_what_can_be_believed_ends_at_the_first_that_cannot():
    one = trusted()
    stranger = make_entry(3, ENTRIES[0].hash, key=make_key(2))
    assert one.believable([ENTRIES[0], stranger, ENTRIES[1]], "j") == [ENTRIES[0]]
    added = make_entry(2, HEAD, put=(Put(path="signers/b", value={
        "name": "b", "key": make_key(2).public}),))
    by_new = make_entry(3, added.hash, key=make_key(2))
    assert one.believable([added, by_new], "j") == [added, by_new]
    gone = make_entry(4, by_new.hash, put=(), drop=("signers/b",))
    late = make_entry(5, gone.hash, key=make_key(2))
    assert one.believable([added, by_new, gone, late], "j") == [added, by_new, gone]
    assert one.position.serial == 1


# --- a candidate's files --------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "said"), [
    (0, b""), (77, b"sh: 1: gnc_take: not found"), (m.FAILED, b"disk full"),
])
def test_answers_of_the_shell_functions(status, said):
    reply = Reply(status=status, out=b"turn 1 2\n", err=said)
    if status == 77:
        with pytest.raises(NodeFailed, match="shell functions failed") as caught:
            remote.answer(reply, "n1")
        assert "not found" in str(caught.value) and caught.value.status == 77
        return
    found = remote.answer(reply, "n1")
    assert (found.status, found.turn, found.problem) == (status, (1, 2), said.decode())


@pytest.mark.parametrize("out", [
    b"turn 1 2", b"part base 1 0 9\nabc", b"part tape 1 0 1\na", b"what 1\n", b"standing 1\n",
    b"turn 1\n", b"\xff\n", b"x" * (remote.MAX_ANSWER + 1),
])
def test_answers_that_make_no_sense(out):
    with pytest.raises(NodeFailed, match="cannot understand its answer"):
        remote.answer(Reply(status=0, out=out, err=b""), "n1")


def test_messages_to_candidates_over_frames_and_beside(tmp_path):
    class Frames:
        def __init__(self):
            self.posted = []

        def frames(self, frames, deadline, enough):
            return {name: NodeFailed(name, "lost", "gone") for name in frames}

        def post(self, frames):
            self.posted += frames

    local = LocalCandidate(Disk(str(tmp_path)))
    frames = Frames()
    peers = remote.RemotePeers(frames, {"n1": local})
    answers = peers.ask({"n1": m.Fetch(), "n2": m.Fetch()}, enough=1)
    assert answers["n1"].status == m.OK and answers["n2"].kind == "lost"
    peers.post({"n1": m.Release(), "n2": m.Release()})
    assert frames.posted == ["n2"]
    assert peers.frame("n1", m.Fetch()) is None and peers.frame("n2", m.Fetch()).text
    failure = NodeFailed("n2", "lost", "gone")
    assert peers.understood("n2", failure) is failure
    assert peers.understood("n2", Reply(status=0, out=b"?", err=b"")).kind == "failed"
    assert remote.RemoteCandidate(peers, "n1").answer(m.Fetch()).status == m.OK
    with pytest.raises(NodeFailed, match="gone"):
        remote.RemoteCandidate(peers, "n2").answer(m.Fetch())


def test_a_candidate_whose_lock_is_taken_is_busy(cluster):
    cluster.create()
    disk = cluster.disks["n1"]
    taken = disk.lock(1)
    found = LocalCandidate(Disk(disk.directory))
    found.disk.lock = lambda wait: None
    assert found.answer(m.Learn(head=m.Head(), by=1)).status == m.BUSY
    disk.unlock(taken)


@pytest.mark.parametrize("content", [b"not a head\n", b"1 2 3\n", b"-1 1  1\n", b"\xff"])
def test_a_candidate_whose_head_is_damaged(cluster, content):
    cluster.create()
    cluster.disks["n1"].replace("head", content)
    candidate = LocalCandidate(cluster.disks["n1"])
    for message in (m.Fetch(), m.Take(term=1, wait=0), m.Learn(head=m.Head(), by=1)):
        found = candidate.answer(message)
        assert found.status == m.DAMAGED and "damaged" in found.problem


def test_messages_out_of_turn(cluster):
    store = cluster.create()
    candidate = LocalCandidate(cluster.disks["n1"])
    entry = make_entry(2, store.replica.head.hash)
    commit = m.Commit(term=1, turn=5, after=store.replica.head, serial=2, hash=entry.hash,
                      records=entry.record)
    assert candidate.answer(commit).status == m.NO_TURN
    turn = candidate.answer(m.Take(term=1)).turn
    elsewhere = store.replica.head.replace(hash="f" * 64)
    moved = commit.replace(term=turn[0], turn=turn[1], after=elsewhere)
    assert candidate.answer(moved).status == m.MOVED
    other = store.replica.head.replace(base=9)
    assert candidate.answer(m.Learn(head=other, by=1)).status == m.BEHIND


def test_a_copy_that_another_gnt_keeps_locked(tmp_path):
    copy = Replica(CacheDisk(str(tmp_path)), FollowingState(), Pin(signers=(KEY.public,)))
    copy.disk.lock = lambda wait: None
    copy.disk.replace("head", b"1 1  1\n")
    with pytest.raises(Busy, match=r"keeps .* locked"):
        copy.open()


def test_a_copy_that_is_incomplete_says_what_to_remove(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    disk = store.replica.disk
    disk.remove(f"base-{store.replica.position.base}.toml")
    with pytest.raises(Damaged, match="incomplete") as caught:
        store.replica.content()
    assert caught.value.hint == f"rm -r {disk.directory}"


@pytest.mark.parametrize("content", ["x y", "1", "1 2 3", "-1 1", ""])
def test_a_memory_that_cannot_be_read_is_not_passed_over(tmp_path, content):
    seen = tmp_path / "seen"
    seen.write_text(content)
    with pytest.raises(Damaged, match="remembers what was seen") as caught:
        Replica(CacheDisk(str(tmp_path)), FollowingState(), Pin(signers=()), seen=str(seen))
    assert f"rm {seen}" in caught.value.hint


def test_a_schema_that_is_no_number():
    assert upgrade.schema_of({}) == 1
    with pytest.raises(Damaged, match=r"cluster\.schema: expected int"):
        upgrade.schema_of({"cluster": {"cluster": {"schema": "2"}}})


def test_a_failover_keeps_edits_that_belong_to_it(cluster):
    store = cluster.create()
    added = Edit(path="groups/g2", value={"uuid": "g2", "name": "more"})
    done = take_over(store, "n2", also=lambda config: (added,))
    assert done.master == "n2"
    assert {group.name for group in cluster.driver().read().groups} == {"default", "more"}
    assert Change(edits=(), operation="x").edits == ()
