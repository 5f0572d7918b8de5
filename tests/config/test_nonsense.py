"""What of histories, bases, records and candidates' files is refused."""

from __future__ import annotations

import pytest
from chains import CLUSTER, KEY, follow, make_base, make_entry, make_key
from clusters import Cluster, change

from gnt.config import base as bases
from gnt.config import history, remote, upgrade, verify
from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import CacheDisk, Disk
from gnt.config.history import Chapter
from gnt.config.journal import Put
from gnt.config.memory_state import FollowingState
from gnt.config.replica import Replica
from gnt.config.trust import Pin, Trusted
from gnt.engine.ports import Reply
from gnt.errors import (
    Busy,
    Damaged,
    NodeFailed,
    NotAuthorised,
    NotFound,
)


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


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
    ahead = make_base(serial=5, head="f" * 64, previous=1)
    with pytest.raises(Damaged, match=r"base-5\.toml: it does not continue the journal before it"):
        verify.verify([CHAPTER, Chapter(number=5, base=ahead, journal=b"")])


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
    assert remote.answer(Reply(status=0, out=b"", err=b"\xff"), "n1").problem == "\ufffd"
    found = remote.answer(reply, "n1")
    assert (found.status, found.turn, found.problem) == (status, (1, 2), said.decode())


@pytest.mark.parametrize("out", [
    b"turn 1 2", b"part base 1 0 9\nabc", b"part tape 1 0 1\na", b"what 1\n", b"standing 1\n",
    b"turn 1\n", b"\xff\n",
])
def test_answers_that_make_no_sense(out):
    with pytest.raises(NodeFailed, match="cannot understand its answer"):
        remote.answer(Reply(status=0, out=out, err=b""), "n1")


def test_an_answer_that_is_too_long():
    with pytest.raises(NodeFailed, match="cannot understand its answer: it is too long"):
        remote.answer(Reply(status=0, out=bytes(remote.MAX_ANSWER + 1), err=b""), "n1")


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
    away = remote.RemoteCandidate(peers, "n2")
    with pytest.raises(NodeFailed, match="gone"):
        away.answer(m.Fetch())
    assert remote.RemotePeers(frames, {"n2": away}).ask({"n2": m.Fetch()})["n2"].kind == "lost"


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
    for message in (m.Fetch(), m.Take(term=1, asked=(0, 0), wait=0), m.Learn(head=m.Head(), by=1)):
        found = candidate.answer(message)
        assert found.status == m.DAMAGED and "damaged" in found.problem


def test_messages_out_of_turn(cluster):
    store = cluster.create()
    candidate = LocalCandidate(cluster.disks["n1"])
    entry = make_entry(2, store.replica.head.hash)
    commit = m.Commit(term=1, turn=5, after=store.replica.head, serial=2, hash=entry.hash,
                      records=entry.record)
    assert candidate.answer(commit).status == m.NO_TURN
    turn = candidate.answer(m.Take(term=1, asked=(0, 0))).turn
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
