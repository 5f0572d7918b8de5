"""Another master takes over, and nothing that was acknowledged is lost."""

import itertools

import pytest
from clusters import Cluster, change

from gnt.config import message as m
from gnt.config.failover import take_over
from gnt.errors import Fenced, GntError, NodeFailed, NoMajority


def away(peers):
    return peers.cut if hasattr(peers, "cut") else peers.shells.cut


def names(config):
    return {instance.name for instance in config.instances}


def test_a_dead_master_is_replaced(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    peers = cluster.peers()
    away(peers).add("n1")
    store = cluster.driver(peers=peers)
    done = take_over(store, "n2")
    assert (done.master, done.term, done.serial, done.reached) == ("n2", 2, 3, ("n2", "n3"))
    assert list(done.missing) == ["n1"]
    assert store.commit(lambda _: change("instances/b")).term == 2
    assert names(cluster.driver(hints=("n3",)).read()) == {"name-of-a", "name-of-b"}


def test_the_old_master_is_shut_out(cluster):
    old = cluster.create()
    peers = cluster.peers()
    away(peers).add("n1")
    take_over(cluster.driver(peers=peers), "n2")
    answers = old.peers.ask({"n1": m.Take(term=1, asked=(0, 0)), "n2": m.Append(
        term=1, turn=9, after=old.replica.head, serial=2, hash="x", records=b"")})
    assert (answers["n1"].status, answers["n2"].status) == (m.OK, m.REFUSED)
    config = old.commit(lambda _: change("instances/late"))  # which finds the new one
    assert (config.term, config.master.name) == (2, "n2")
    assert names(cluster.driver(hints=("n2", "n3")).read()) == {"name-of-late"}


def test_a_failover_that_was_broken_off_shuts_drivers_out_until_it_is_run_again(cluster):
    store = cluster.create()
    store.peers.ask({"n2": m.Fence(term=2)})
    with pytest.raises(Fenced) as caught:
        store.commit(lambda _: change("instances/a"))
    assert "master-failover" in caught.value.hint
    take_over(store, "n1")
    assert names(store.commit(lambda _: change("instances/a"))) == {"name-of-a"}


def test_a_planned_failover_tells_the_old_master(cluster):
    old = cluster.create()
    before = old.read().cluster.serial_no
    done = take_over(cluster.driver(), "n3")
    assert done.missing == {}
    assert (old.read().master.name, old.read().cluster.serial_no) == ("n3", before + 1)
    assert old.commit(lambda _: change("instances/a")).term == 2
    assert len(cluster.heads()) == 1


def test_needs_a_majority(cluster):
    cluster.create()
    peers = cluster.peers()
    store = cluster.driver(peers=peers)
    store.read()
    away(peers).update({"n1", "n3"})
    with pytest.raises(NoMajority, match="1 of 3"):
        take_over(store, "n2")
    done = take_over(store, "n2", no_voting=True)
    assert (done.term, done.reached) == (3, ("n2",))
    entry = next(iter(store.history(newest=1)))
    assert "without a majority" in entry["note"]


def test_an_appended_record_is_rescued(tmp_path):
    """The master committed and died before anybody learned of it."""
    cluster = Cluster(tmp_path)
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    peers.post = lambda messages: None
    store.commit(lambda _: change("instances/a"))
    assert cluster.head("n2") != cluster.head("n1")
    rest = cluster.peers()
    rest.cut.add("n1")
    survivor = cluster.driver(peers=rest, hints=("n2", "n3"))
    done = take_over(survivor, "n3")
    assert done.rescued == (2,)
    assert names(survivor.read()) == {"name-of-a"}


def test_the_end_of_a_longer_journal_is_rescued(tmp_path):
    """What a candidate sends begins where the survivor's copy ends, or earlier."""
    cluster = Cluster(tmp_path)
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    store.commit(lambda _: change("instances/a"))
    rest = cluster.peers()
    survivor = cluster.driver(peers=rest)
    survivor.read()
    peers.post = lambda messages: None
    store.commit(lambda _: change("instances/b"))
    rest.cut.add("n1")
    assert take_over(survivor, "n3").rescued == (3,)
    assert names(survivor.read()) == {"name-of-a", "name-of-b"}


def test_every_cut_at_every_step_keeps_what_was_acknowledged(tmp_path):
    """Five candidates; after each message of a commit some of them are cut off, and the driver is
    gone.  Whoever then has a majority must have every acknowledged change."""
    names_all = ("n1", "n2", "n3", "n4", "n5")
    number = 0
    for stage in ("append", "commit", "learned"):
        for lost in itertools.combinations(names_all, 2):
            number += 1
            place = tmp_path / str(number)
            place.mkdir()
            cluster = Cluster(place, names=names_all)
            peers = cluster.peers()
            store = cluster.create(peers=peers)
            store.commit(lambda _: change("instances/a"))
            acknowledged = {"name-of-a"} | _cut_at(stage, peers, store)
            rest = cluster.peers()
            rest.cut.update(lost)
            alive = sorted(set(names_all) - set(lost))
            survivor = cluster.driver(peers=rest, hints=alive)
            take_over(survivor, alive[0])
            assert acknowledged <= names(survivor.read()), (stage, lost)
            survivor.commit(lambda _: change("instances/c"))


def _cut_at(stage, peers, store):
    """Kill the driver at a stage of committing b; what it may have told its user."""
    kinds = {"append": m.Append, "commit": m.Commit}
    seen = []

    def kill(name, message):
        seen.append(message)
        if stage in kinds and type(message) is kinds[stage] and len(seen) > 3:
            peers.cut.update({"n1", "n2", "n3", "n4", "n5"})

    peers.before = kill
    try:
        store.commit(lambda _: change("instances/b"))
    except GntError:
        peers.before = lambda name, message: None
        peers.die()
        return set()
    return {"name-of-b"}


def test_a_lost_failover_can_be_run_again(tmp_path):
    cluster = Cluster(tmp_path)
    cluster.create()
    peers = cluster.peers()
    peers.cut.add("n1")
    store = cluster.driver(peers=peers)
    store.read()

    def lose(name, message):
        if isinstance(message, m.Commit):
            peers.deaf.add(name)

    peers.before = lose
    with pytest.raises(NodeFailed):
        take_over(store, "n2")
    peers.before = lambda name, message: None
    peers.deaf.clear()
    done = take_over(cluster.driver(peers=peers, hints=("n2", "n3")), "n2")
    assert done.term == 3
    assert cluster.head("n2") == cluster.head("n3")
