"""A master that was started, or restored from a backup, and the turns that it gave (ADR 0127)."""

import os

import pytest
from chains import follow, make_entry
from clusters import Cluster, change
from places import FIRST, append, commit, install, standing

from gnt.config import message as m
from gnt.config.disk import given_turn
from gnt.config.failover import take_over
from gnt.errors import Damaged, GntError, NodeFailed, NoMajority


def forget(disk):
    """What a machine does that is started again."""
    os.unlink(given_turn(disk.directory))


def taken(candidate, asked=None):
    answer = candidate.answer(m.Take(term=1, asked=asked))
    candidate.answer(m.Release())
    return answer


def test_only_a_machine_that_was_started_wants_the_others_asked(place):
    candidate = place.driver()
    install(candidate, turn=3)
    assert taken(candidate).status == m.UNASKED
    assert place.file("turn") == b"1 3\n"  # the number is not used up
    assert taken(candidate, (0, 0)).turn == (1, 4)
    assert taken(candidate).turn == (1, 5)
    forget(place.disk)
    assert taken(place.driver()).status == m.UNASKED
    assert taken(place.driver(), (0, 0)).turn == (1, 6)


def test_the_others_are_asked_until_what_they_have_seen_is_committed_here(place):
    """Whoever has the turn first may be killed before it commits that again."""
    candidate = place.driver()
    install(candidate, turn=3)
    assert taken(candidate, (1, 3)).turn == (1, 4)  # nothing here is of that turn
    assert taken(candidate).status == m.UNASKED
    entry = make_entry(2, FIRST.hash, turn=4)
    assert append(candidate, FIRST, [entry], turn=4).status == m.OK
    assert taken(candidate, (1, 4)).turn == (1, 5)  # it is here, but not committed
    assert taken(candidate).status == m.UNASKED
    turn = candidate.answer(m.Take(term=1, asked=(1, 4))).turn
    assert commit(candidate, FIRST, [entry], turn).status == m.OK
    assert taken(candidate, (1, 5)).turn == (1, 7)
    assert taken(candidate).status == m.UNASKED
    assert taken(candidate, (0, 9)).turn == (1, 8)
    assert taken(candidate).turn == (1, 9)


def test_a_machine_that_runs_notices_that_its_files_were_restored(place):
    candidate = place.driver()
    install(candidate, turn=3)
    taken(candidate, (0, 0))
    place.disk.replace("turn", b"1 3\n")
    answer = taken(candidate)
    assert answer.status == m.UNASKED and "restored" in answer.problem


@pytest.mark.parametrize(("asked", "status"), [
    ((1, 7), m.OK), ((1, 8), m.GONE_BACK), ((2, 0), m.GONE_BACK), ((0, 99), m.OK)])
def test_who_forgot_turns_that_others_have_seen_gives_none(place, asked, status):
    candidate = place.driver()
    install(candidate, turn=3)
    entry = make_entry(2, FIRST.hash, turn=7)  # a record counts as much as the counter
    assert append(candidate, FIRST, [entry], turn=7).status == m.OK
    assert taken(candidate, asked).status == status
    assert place.file("turn") == (b"1 8\n" if status == m.OK else b"1 3\n")


def test_a_candidate_tells_the_highest_turn_that_it_has_seen(place):
    candidate = place.driver()
    install(candidate, turn=3)
    assert standing(candidate).seen == (1, 3)
    assert append(candidate, FIRST, follow(FIRST.hash, 2, 1, turn=7), turn=7).status == m.OK
    assert standing(candidate).seen == (1, 7)
    assert install(candidate, follow(FIRST.hash, 2, 1, turn=7), turn=9).status == m.OK
    assert standing(candidate).seen == (1, 9)


def test_a_note_that_cannot_be_made_lets_the_others_be_asked_again(place):
    candidate = place.driver()
    install(candidate, turn=3)
    os.mkdir(given_turn(place.disk.directory))
    assert taken(candidate, (0, 0)).turn == (1, 4)
    assert taken(candidate).status == m.UNASKED
    assert taken(candidate, (0, 0)).turn == (1, 5)


@pytest.fixture(params=["local", "remote"])
def cluster(request, tmp_path):
    made = Cluster(tmp_path, kind=request.param)
    yield made
    made.close()


def copied(disk):
    return {name: disk.read(name) for name in disk.names() if "." not in name or "toml" in name}


def restored(disk, files):
    for name, data in files.items():
        disk.replace(name, data)
    forget(disk)


def committed_and_forgotten(cluster):
    """The master commits, nobody is told, and it comes back as it was before."""
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    files, heads = copied(cluster.disks["n1"]), {n: d.read("head") for n, d in
                                                 cluster.disks.items()}
    store.commit(lambda _: change("instances/b"))
    store.release()
    restored(cluster.disks["n1"], files)
    for name in ("n2", "n3"):
        cluster.disks[name].replace("head", heads["n1"])
    return store


def test_a_restored_master_changes_nothing_and_a_failover_keeps_what_it_forgot(cluster):
    committed_and_forgotten(cluster)
    fresh = cluster.driver()
    for _ in range(3):  # it stays so, however often somebody tries
        with pytest.raises(Damaged, match="restored from a backup") as caught:
            fresh.commit(lambda _: change("instances/c"))
        assert "gnt-cluster master-failover" in caught.value.hint
    take_over(fresh, "n2")
    config = fresh.commit(lambda _: change("instances/c"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "c"}
    assert config.master.name == "n2"


def test_a_master_that_was_only_started_goes_on(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    forget(cluster.disks["n1"])
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    away |= {"n2", "n3"}
    with pytest.raises(NoMajority, match="1 of 3 master candidates answered"):
        store.commit(lambda _: change("instances/a"))
    away.discard("n2")
    assert store.commit(lambda _: change("instances/a")).serial == 2


def test_a_start_costs_two_round_trips_once(tmp_path):
    cluster = Cluster(tmp_path)
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    costs = []
    for again in (False, True, False):
        if again:
            forget(cluster.disks["n1"])
        before = peers.asked
        store.commit(lambda _: change("instances/a", reason=str(len(costs))))
        costs.append(peers.asked - before)
    assert costs == [3, 5, 3]


def test_one_candidate_alone_has_nobody_to_ask(tmp_path):
    store = Cluster(tmp_path, names=("n1",)).create()
    forget(store.peers._local["n1"].disk)
    assert store.commit(lambda _: change("instances/a")).serial == 2


def pictured(cluster, names=("n2", "n3")):
    """The master commits b, which these others have, nobody is told, and its disk is a picture that
    was taken within that turn."""
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    files, head = copied(cluster.disks["n1"]), cluster.disks["n1"].read("head")
    journals = {n: cluster.disks[n].read("journal-1.toml") for n in cluster.names}
    store.commit(lambda _: change("instances/b"))
    store.release()
    restored(cluster.disks["n1"], {**files, "turn": cluster.disks["n1"].read("turn")})
    for name in ("n2", "n3"):
        cluster.disks[name].replace("head", head)
        if name not in names:
            cluster.disks[name].replace("journal-1.toml", journals[name])
    return store


@pytest.mark.parametrize("names", [("n2", "n3"), ("n2",), ("n3",)])
def test_what_a_picture_does_not_show_is_committed_again(cluster, names):
    pictured(cluster, names)
    config = cluster.driver().commit(lambda _: change("instances/c"))
    assert [instance.uuid for instance in config.instances] == ["a", "b", "c"]
    assert config.serial == 4 and config.master.name == "n1"
    assert cluster.driver().commit(lambda _: change("instances/d")).serial == 5


def test_a_driver_that_is_killed_before_it_commits_that_leaves_it_to_the_next(tmp_path):
    cluster = Cluster(tmp_path)
    pictured(cluster)
    first = cluster.driver()

    def killed(name, message):
        if type(message) is m.Commit:
            raise KeyboardInterrupt

    first.peers.before = killed
    with pytest.raises(KeyboardInterrupt):
        first.commit(lambda _: change("instances/c"))
    first.peers.die()
    config = cluster.driver().commit(lambda _: change("instances/d"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "d"}


@pytest.mark.parametrize(("message", "error"), [
    (m.Append, "which n1 may have forgotten, could not be committed again"),
    (m.Commit, "no route to host")])
def test_what_cannot_be_committed_again_is_not_passed_over(tmp_path, message, error):
    cluster = Cluster(tmp_path)
    pictured(cluster)
    store = cluster.driver()

    def cut(name, sent):
        if type(sent) is message:
            store.peers.cut.update({"n1"} if message is m.Commit else {"n2", "n3"})

    store.peers.before = cut
    with pytest.raises((NoMajority, NodeFailed), match=error):
        store.commit(lambda _: change("instances/c"))
    assert store.turn is None
    store.peers.die()
    config = cluster.driver().commit(lambda _: change("instances/d"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "d"}


def test_a_master_that_cannot_write_what_it_forgot_is_named(tmp_path):
    cluster = Cluster(tmp_path)
    pictured(cluster)
    store = cluster.driver()

    def overtaken(name, sent):
        if type(sent) is m.Commit:
            cluster.disks["n1"].replace("turn", b"1 99\n")

    store.peers.before = overtaken
    with pytest.raises(GntError, match="n1"):
        store.commit(lambda _: change("instances/c"))
    assert store.turn is None


def test_who_has_seen_it_committed_can_only_fail_over(cluster):
    """Reading what is older is refused; the hint can be typed."""
    store = pictured(cluster)
    with pytest.raises(Damaged) as refused:
        store.commit(lambda _: change("instances/c"))
    assert "master-failover" in refused.value.hint
    take_over(store, "n2")
    config = cluster.driver().commit(lambda _: change("instances/c"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "c"}


def test_turns_that_were_given_after_it_do_not_hide_it(cluster):
    """Somebody was killed who had been asked to commit it again."""
    pictured(cluster)
    for turn in (b"1 7", b"1 9"):
        cluster.disks["n1"].replace("turn", turn + b"\n")
    config = cluster.driver().commit(lambda _: change("instances/c"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "c"}


def test_others_that_are_silent_when_they_are_asked_for_it(tmp_path):
    """They have said where they stand, and do not say more: they lack it, then."""
    cluster = Cluster(tmp_path)
    pictured(cluster, ("n2",))
    store = cluster.driver()
    store.read()

    def cut(name, sent):
        if name == "n2" and type(sent) is m.Fetch and sent.offset >= 0:
            store.peers.cut.add("n2")

    store.peers.before = cut
    with pytest.raises(NodeFailed, match="n2"):
        store.commit(lambda _: change("instances/c"))
    store.peers.die()
    config = cluster.driver().commit(lambda _: change("instances/d"))
    assert {instance.uuid for instance in config.instances} == {"a", "b", "d"}
