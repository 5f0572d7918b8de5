"""A master that was started, or restored from a backup, and the turns that it gave (ADR 0127)."""

import os

import pytest
from chains import follow, make_entry
from clusters import Cluster, change
from places import FIRST, append, install, standing

from gnt.config import message as m
from gnt.config.disk import given_turn
from gnt.config.failover import take_over
from gnt.errors import Damaged, NoMajority


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
    assert taken(candidate, (1, 3)).turn == (1, 4)
    assert taken(candidate).turn == (1, 5)
    forget(place.disk)
    assert taken(place.driver()).status == m.UNASKED
    assert taken(place.driver(), (0, 0)).turn == (1, 6)


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
