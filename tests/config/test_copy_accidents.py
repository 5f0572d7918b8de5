"""What happens to a driver's copy in between: another process of this user, a signer's end."""

from __future__ import annotations

import os

import pytest
from chains import KEY, bytes_of, first_data, first_head, follow, head_after, make_base, make_key
from clusters import Cluster, change
from places import BASE, FIRST, install

from gnt.config import base as bases
from gnt.config import compaction
from gnt.config import message as m
from gnt.config.disk import CacheDisk, numbers
from gnt.config.failover import take_over
from gnt.config.memory_state import FollowingState
from gnt.config.replica import Replica
from gnt.config.sqlite_state import SqliteState
from gnt.config.trust import Pin
from gnt.errors import Damaged, NodeFailed, NotAuthorised, Stale


def names(config):
    return {instance.uuid for instance in config.instances}


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def sharing(cluster, peers=None):
    """A driver on the copy that others use, too."""
    copy = cluster.path / "copy"
    copy.mkdir(mode=0o700, exist_ok=True)
    return cluster.driver(replica=copy, peers=peers, state=SqliteState(str(copy / "state.sqlite")))


def test_an_answer_that_another_process_has_overtaken_is_nothing_new(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    slow, fast = sharing(cluster), sharing(cluster)
    slow.read()
    answer = slow.peers.ask({"n1": m.Fetch(base=1, offset=slow.replica.position.offset)})["n1"]
    fast.commit(lambda _: change("instances/b"))
    assert slow.replica.accept(answer, "n1") == []
    assert names(slow.replica.config()) == {"a", "b"}


def test_a_change_is_seen_as_it_was_committed_though_another_process_goes_on(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    slow, fast = sharing(cluster), sharing(cluster)
    real = slow.peers.post

    def post(messages):
        real(messages)
        if any(isinstance(message, m.Learn) for message in messages.values()):
            fast.commit(lambda _: change("instances/c"))

    slow.peers.post = post
    seen = slow.commit(lambda _: change("instances/b"))
    assert (seen.serial, names(seen)) == (3, {"a", "b"})
    assert names(slow.read()) == {"a", "b", "c"}


def killed_between(cluster, name):
    """A process has followed a record and died before it could note that: what the next finds."""
    store = sharing(cluster)
    store.read()
    disk = store.replica.disk
    before = disk.read(name)
    store.commit(lambda _: change("instances/b"))
    disk.replace(name, before)
    asked = cluster.peers()
    return sharing(cluster, asked), asked


def test_a_copy_whose_head_was_not_noted_is_whole(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    after, peers = killed_between(cluster, "head")
    assert names(after.cached()) == {"a", "b"} and peers.asked == 0
    assert after.replica.disk.read("head").decode().strip() == after.replica.head.line


@pytest.mark.parametrize("name", ["journal-1.toml", "base-1.toml"])
def test_a_copy_that_lacks_what_its_state_says_is_fetched_again(cluster, name):
    cluster.create().commit(lambda _: change("instances/a"))
    after, _ = killed_between(cluster, "head")
    after.replica.disk.replace(name, (after.replica.disk.read(name) or b"")[:-3])
    assert after.cached() is None
    assert names(after.read()) == {"a", "b"}
    assert names(sharing(cluster).cached()) == {"a", "b"}


def moved_on(cluster, lost=()):
    """A driver: another process of this user moves their copy to a new base just before the first
    answer comes; then the ``lost`` do not answer any more."""
    peers, done = cluster.peers(), []
    fast, slow = sharing(cluster), sharing(cluster, peers)
    slow.read()
    fast.read()
    fast.commit(lambda _: change("instances/b"))
    real = peers.ask

    def ask(messages, deadline=15.0, enough=None):
        answers = real(messages, deadline, enough)
        if not done:
            done.append(True)
            compaction.compact(fast)
            peers.cut |= set(lost)
        return answers

    peers.ask = ask
    return slow


def test_an_answer_about_a_base_that_another_process_left_is_asked_again(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    assert names(moved_on(cluster).read()) == {"a", "b"}


def test_who_cannot_be_asked_again_is_named(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    with pytest.raises(NodeFailed, match="n1: no route"):
        moved_on(cluster, lost=["n1"]).read()


def test_a_copy_that_another_process_moved_to_a_new_base_has_no_content_yet(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    slow = cluster.driver(replica=cluster.path / "both")
    slow.read()
    fast = cluster.driver(replica=cluster.path / "both")
    fast.read()
    compaction.compact(fast)
    with pytest.raises(Stale, match="moved on to a new base"):
        slow.replica.content()


def test_what_follows_a_place_in_an_earlier_journal(place):
    candidate = place.driver()
    install(candidate, RECORDS)
    head = head_after(AFTER[0], base=5)
    candidate.answer(m.Install(term=1, turn=2, head=head, start=RECORDS[-1].hash, base=NEWER,
                               journal=bytes_of(AFTER)))
    offset = len(bytes_of(RECORDS[:2]))
    rest = [m.Part(kind="base", number=5, offset=0, data=NEWER),
            m.Part(kind="journal", number=5, offset=0, data=bytes_of(AFTER))]
    before = m.Part(kind="journal", number=1, offset=offset, data=bytes_of(RECORDS[2:]))
    assert list(candidate.answer(m.Fetch(base=1, offset=offset)).parts) == [before, *rest]
    assert list(candidate.answer(m.Fetch(base=7, offset=offset)).parts) == rest
    assert list(candidate.answer(m.Fetch(base=5, offset=3)).parts) == [
        m.Part(kind="journal", number=5, offset=3, data=bytes_of(AFTER)[3:])]


def test_a_copy_answers_as_a_candidate_does(cluster):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    answer = store.peers.ask({"n1": m.Fetch()})["n1"]
    assert store.replica.whole() == m.Answer(status=m.OK, head=answer.head, parts=answer.parts)


def test_a_new_base_is_on_all_candidates_and_nobody_s_turn_is_left(cluster):
    store = cluster.create()
    first = bases.parse(store.replica.content()[0], "base").header
    assert (first.term, first.turn, first.serial, first.previous) == (1, 0, 1, 0)
    store.commit(lambda _: change("instances/a"))
    compaction.compact(store)
    assert store.turn is None
    assert cluster.heads() == {store.replica.head.line} and store.replica.head.base == 2
    assert len({cluster.disks[name].read("base-2.toml") for name in cluster.names}) == 1
    assert cluster.peers().ask({"n1": m.Take(term=1, asked=(0, 0), wait=0)})["n1"].status == m.OK


def test_old_bases_are_forgotten_as_new_ones_come(cluster):
    store = cluster.create()
    for number in range(4):
        store.commit(lambda _, n=number: change(f"instances/i{n}"))
        for name in cluster.names:  # it was long ago
            for file in cluster.disks[name].names():
                os.utime(cluster.disks[name].path(file), (0, 0))
        compaction.compact(store)
    for name in cluster.names:
        kept = numbers(cluster.disks[name].names(), "base")
        assert kept[-2:] == [4, 5] and 1 not in kept and 2 not in kept


def test_a_signer_whose_right_has_ended_is_told_before_anything_is_sent(cluster):
    eve = make_key(2)
    data = first_data({"admin": KEY.public, "eve": eve.public})
    data["signers"]["eve"]["valid_until"] = 1001
    cluster.create(data)
    store = cluster.driver(key=eve)
    assert store.commit(lambda _: change("instances/a")).serial == 2
    store.author.clock = lambda: 1001.0
    asked = []
    store.peers.before = lambda name, message: asked.append(type(message))
    with pytest.raises(NotAuthorised, match="this change: signed by eve, whose right to sign"):
        store.commit(lambda _: change("instances/b"))
    assert m.Append not in asked and store.turn is None


def test_times_are_kept_to_a_thousandth(cluster):
    store = cluster.driver()
    store.author.clock = lambda: 1000.12345
    store.create(first_data(), "n1")
    assert bases.parse(store.replica.content()[0], "base").header.time == 1000.123
    store.commit(lambda _: change("instances/a"))
    assert next(iter(store.history(newest=1)))["time"] == 1000.123
    compaction.compact(store)
    assert bases.parse(store.replica.content()[0], "base").header.time == 1000.123


def test_a_copy_that_cannot_be_used_is_not_opened(cluster):
    copy = cluster.path / "copy"
    empty = Replica(CacheDisk(str(copy)), FollowingState(), Pin(signers=(KEY.public,)))
    assert empty.open() is False
    cluster.create(replica=copy)
    for name in ("trust.toml", "journal-1.toml", "base-1.toml"):
        before = (copy / name).read_bytes()
        (copy / name).write_bytes(b'[txm.2]\nsig = "A"\n\n')
        again = Replica(CacheDisk(str(copy)), FollowingState(), Pin(signers=(KEY.public,)))
        assert again.open() is False
        (copy / name).write_bytes(before)
    assert Replica(CacheDisk(str(copy)), FollowingState(), Pin(signers=())).open() is True


def test_a_memory_of_another_cluster_is_not_taken_for_this_one(cluster):
    cluster.create(replica=cluster.path / "copy")
    pin = Pin(signers=(KEY.public,), cluster="another")
    copy = Replica(CacheDisk(str(cluster.path / "copy")), FollowingState(), pin)
    assert copy.open() is False
    assert copy.pin.cluster == "another"
    with pytest.raises(NotAuthorised, match="belongs to another cluster"):
        cluster.driver(replica=cluster.path / "copy", pin=pin).read()


def test_a_copy_of_the_part_that_lost_is_told_from_an_attack(cluster):
    """A failover without voting went on without a change that this driver has seen."""
    cluster.create()
    rest = cluster.peers()
    other = cluster.driver(peers=rest)
    other.read()
    mine = cluster.driver()
    peers = mine.peers
    peers.cut.add("n3")
    mine.commit(lambda _: change("instances/lost"))
    rest.cut |= {"n1", "n2"}
    take_over(other, "n3", no_voting=True)
    peers.cut.clear()
    answer = peers.ask({"n3": m.Fetch(base=1)})["n3"]
    with pytest.raises(Damaged, match="another history has the serial 2") as caught:
        mine.replica.accept(answer, "n3")
    assert f"rm -r {mine.replica.disk.directory}" in caught.value.hint
    assert names(mine.replica.config()) == {"lost"}


RECORDS = follow(FIRST.hash, 2, 4)
NEWER = make_base(serial=5, head=RECORDS[-1].hash, previous=1, turn=1)
AFTER = follow(first_head(NEWER).hash, 6, 1)


def whole(*parts, head):
    return m.Answer(status=m.OK, head=head, parts=tuple(
        m.Part(kind=kind, number=number, offset=offset, data=data)
        for kind, number, offset, data in parts))


@pytest.fixture
def replica(tmp_path):
    made = Replica(CacheDisk(str(tmp_path / "copy")), FollowingState(), Pin(signers=(KEY.public,)))
    made.accept(whole(("base", 1, 0, BASE), ("journal", 1, 0, bytes_of(RECORDS[:2])),
                      head=head_after(RECORDS[1])), "n1")
    return made


def test_an_answer_that_ends_before_its_head(replica):
    with pytest.raises(Damaged, match="does not reach its head 3"):
        Replica(CacheDisk(str(replica.disk.directory) + "2"), FollowingState(),
                replica.pin).accept(whole(("base", 1, 0, BASE), head=head_after(RECORDS[1])), "n1")


def test_an_answer_to_what_was_not_asked(replica):
    at = replica.position.offset
    rest = bytes_of(RECORDS[2:])
    with pytest.raises(Stale, match=f"what follows byte {at} of 1"):
        replica.accept(whole(("journal", 1, at + 1, rest[1:]), head=head_after(RECORDS[3])), "n1")
    replica.accept(whole(("journal", 1, at, rest), head=head_after(RECORDS[3])), "n1")
    assert replica.position.serial == 5


BETWEEN = {
    "all of it": (0, bytes_of(RECORDS), 3),
    "what follows": (len(bytes_of(RECORDS[:2])), bytes_of(RECORDS[2:]), 3),
    "less than was asked for": (len(bytes_of(RECORDS[:3])), bytes_of(RECORDS[3:]), 1),
    "without its end": (0, bytes_of(RECORDS[:3]), 1),
    "damaged": (0, bytes_of(RECORDS[:2]) + b'[txm.4]\nsig = "A"\n\n', 1),
}


@pytest.mark.parametrize("what", BETWEEN)
def test_an_earlier_journal_from_who_was_away(replica, what):
    """Its records are followed when they lead to the base after them, else that is believed."""
    offset, data, count = BETWEEN[what]
    head = head_after(AFTER[0], base=5)
    done = replica.accept(whole(("journal", 1, offset, data), ("base", 5, 0, NEWER),
                                ("journal", 5, 0, bytes_of(AFTER)), head=head), "n1")
    assert (len(done), replica.head) == (count, head)
    assert replica.disk.read("journal-5.toml") == bytes_of(AFTER)


def test_heads_that_are_not_in_the_journal_have_no_records_after_them(replica):
    assert replica.since(FIRST) == list(RECORDS[:2])
    assert replica.since(head_after(RECORDS[0])) == [RECORDS[1]]
    assert replica.since(replica.head) == []
    assert replica.since(replica.head.replace(hash="f" * 64)) is None
    assert replica.since(replica.head.replace(base=2)) is None
