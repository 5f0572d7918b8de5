"""Committing to several candidates, with and without trouble on the way."""

import signal

import pytest
from chains import KEY, first_data, make_key
from clusters import Cluster, change

from gnt.config import message as m
from gnt.errors import Conflict, Fenced, NodeFailed, NoMajority, NotAuthorised
from gnt.model.objects import Instance


def names(config):
    return {instance.name for instance in config.instances}


def test_a_new_cluster_is_on_all_candidates(cluster):
    store = cluster.create()
    assert store.read().cluster.cluster_name == "test"
    assert len(cluster.heads()) == 1
    with pytest.raises(Conflict, match="already"):
        cluster.driver().create(first_data(), "n1")


def test_a_change_is_committed_and_read_by_others(cluster):
    store = cluster.create()
    config = store.commit(lambda _: change("instances/a"))
    assert config.serial == 2
    other = cluster.driver()
    assert names(other.read()) == {"name-of-a"}
    other.commit(lambda _: change("instances/b"))
    assert names(store.read()) == {"name-of-a", "name-of-b"}
    assert cluster.heads() == {f"1 3 {store.read().head} 1"}


def test_the_driver_sees_the_state_it_changes(cluster):
    one = cluster.create()
    other = cluster.driver()
    other.read()
    one.commit(lambda _: change("instances/a"))
    seen = []

    def make(config):
        seen.append(names(config))
        return change("instances/b")

    other.commit(make)
    assert seen == [{"name-of-a"}]


def test_an_old_snapshot_stays_as_it_was(local):
    store = local.create()
    before = store.commit(lambda _: change("instances/a"))
    after = store.commit(lambda _: change("instances/b", drop=["instances/a"]))
    assert (names(before), before.serial) == ({"name-of-a"}, 2)
    assert (names(after), after.serial) == ({"name-of-b"}, 3)
    assert before.found(Instance, "instance.name", "name-of-a")
    assert not after.found(Instance, "instance.name", "name-of-a")
    assert not before.found(Instance, "instance.name", "name-of-b")


def test_two_round_trips_after_the_turn(local):
    peers = local.peers()
    store = local.create(peers=peers)
    store.hold_turn()
    before = peers.asked
    store.commit(lambda _: change("instances/a"))
    assert peers.asked - before == 2


def test_the_turn_rides_on_another_frame(tmp_path):
    cluster = Cluster(tmp_path, kind="remote")
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    node, frame = store.turn_frame()
    store.accept_turn(node, peers.shells.frames({node: frame})[node])
    before = peers.shells.trips
    store.commit(lambda _: change("instances/a"))
    assert (node, peers.shells.trips - before) == ("n1", 2)
    cluster.close()


def test_one_candidate_may_be_away(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    away.add("n3")
    for name in "abc":
        store.commit(lambda _, n=name: change(f"instances/{n}"))
    assert cluster.head("n3") != cluster.head("n1")
    away.clear()
    away.add("n2")
    store.commit(lambda _: change("instances/d"))
    assert cluster.head("n3") == cluster.head("n1") != cluster.head("n2")
    away.clear()
    assert store.redistribute() == {"n1": "", "n2": "", "n3": ""}
    assert len(cluster.heads()) == 1


def test_without_a_majority_nothing_is_visible(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    away |= {"n2", "n3"}
    with pytest.raises(NoMajority, match=r"refused: 1 of 3 master candidates(.|\n)*n2: no route"):
        store.commit(lambda _: change("instances/a"))
    away.clear()
    assert names(store.read()) == set()
    store.commit(lambda _: change("instances/b"))
    assert names(store.read()) == {"name-of-b"}


def test_a_dead_master_leaves_reading(cluster):
    cluster.create().commit(lambda _: change("instances/a"))
    peers = cluster.peers()
    store = cluster.driver(peers=peers)
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    away.add("n1")
    assert names(store.read()) == {"name-of-a"}
    assert "n1" in store.unreached
    with pytest.raises(NodeFailed, match="n1: no route"):
        store.commit(lambda _: change("instances/b"))


def test_a_stranger_may_not_sign(cluster):
    cluster.create()
    stranger = cluster.driver(key=make_key(9))
    with pytest.raises(NotAuthorised, match="may not sign"):
        stranger.commit(lambda _: change("instances/a"))
    assert names(cluster.driver().read()) == set()


def test_a_removed_signer_is_refused_and_newcomers_read_on(local):
    second = make_key(2)
    store = local.create(first_data({"admin": KEY.public, "eve": second.public}))
    eve = local.driver(key=second)
    eve.commit(lambda _: change("instances/a"))
    eve.commit(lambda _: change(drop=["signers/admin"]))
    with pytest.raises(NotAuthorised):
        store.commit(lambda _: change("instances/b"))
    from gnt.config.trust import Pin

    newcomer = local.driver(pin=Pin(signers=(second.public,)))
    assert names(newcomer.read()) == {"name-of-a"}


def test_a_fenced_master_cannot_commit(cluster):
    store = cluster.create()
    for name in ("n2", "n3"):
        cluster.peers().ask({name: m.Fence(term=2)})
    with pytest.raises(Fenced, match="no longer the master"):
        store.commit(lambda _: change("instances/a"))
    assert names(store.read()) == set()


def test_a_lost_answer_is_found_again(local):
    peers = local.peers()
    store = local.create(peers=peers)
    calls = []

    def lose_one(name, message):
        peers.deaf.clear()
        if isinstance(message, m.Commit):
            peers.deaf.add(name)

    peers.before = lose_one

    def make(_):
        calls.append(1)
        return change("instances/a")

    config = store.commit(make, attempts=1)
    assert (names(config), config.serial, len(calls)) == ({"name-of-a"}, 2, 1)
    assert store.turn is None
    assert local.peers().ask({"n1": m.Take(term=1, asked=(0, 0), wait=0)})["n1"].status == m.OK
    peers.before = lambda name, message: None
    assert store.commit(lambda _: change("instances/b")).serial == 3


def test_a_commit_that_never_arrived_is_made_again(local):
    peers = local.peers()
    store = local.create(peers=peers)
    lost = []

    def lose_one(name, message):
        peers.cut.clear()
        if isinstance(message, m.Commit) and not lost:
            lost.append(name)
            peers.cut.add(name)

    peers.before = lose_one
    config = store.commit(lambda _: change("instances/a"))
    assert (lost, names(config), config.serial) == (["n1"], {"name-of-a"}, 2)


def test_an_unknown_outcome_is_said(local):
    peers = local.peers()
    store = local.create(peers=peers)

    def lose_all(name, message):
        if isinstance(message, m.Commit):
            peers.cut.add("n1")

    peers.before = lose_all
    with pytest.raises(NodeFailed, match="not known whether change 2 was committed") as caught:
        store.commit(lambda _: change("instances/a"))
    assert caught.value.unknown


def test_an_error_while_planning_gives_the_turn_back(local):
    store = local.create()
    with pytest.raises(Conflict):
        store.commit(lambda _: (_ for _ in ()).throw(Conflict("no")))
    other = local.driver()
    other.read()
    assert other.commit(lambda _: change("instances/a")).serial == 2


def test_a_job_gets_the_serial_of_its_beginning(local):
    from gnt.engine.ports import Change
    from gnt.plan import Edit

    store = local.create()
    job = {"id": "@", "operation": "instance add", "params": {}, "author": "me", "driver": "here",
           "state": "running"}
    config = store.commit(lambda _: Change(edits=(Edit(path="jobs/@", value=job),),
                                           operation="instance add"))
    (made,) = config.jobs
    assert (made.id, config.serial) == ("2", 2)


def test_a_restart_reads_its_own_copy(local, tmp_path):
    directory = tmp_path / "copy"
    local.create(replica=directory).commit(lambda _: change("instances/a"))
    later = local.driver(replica=directory)
    assert names(later.cached()) == {"name-of-a"}


def test_nonsense_is_never_signed(local):
    from gnt.engine.ports import Change
    from gnt.errors import Damaged
    from gnt.plan import Edit

    store = local.create()
    for path, value in (("instances/a", {"uuid": "a"}), ("nothing/a", {}),
                        ("instances/a", {"x": 1})):
        with pytest.raises(Damaged):
            store.commit(lambda _, p=path, v=value: Change(
                edits=(Edit(path=p, value=v),), operation="x y"))
    assert store.commit(lambda _: change("instances/a")).serial == 2


def test_who_was_away_is_caught_up_by_the_next_commit(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    away.add("n3")
    store.commit(lambda _: change("instances/a"))
    store.commit(lambda _: change("instances/b"))
    away.clear()
    store.commit(lambda _: change("instances/c"))
    assert len(cluster.heads()) == 1
    assert cluster.disks["n3"].read("journal-1.toml") == cluster.disks["n1"].read("journal-1.toml")


def trips(peers):
    return peers.asked if hasattr(peers, "asked") else peers.shells.trips


def test_catching_up_costs_no_round_trip_and_is_needed_once(cluster):
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    store.commit(lambda _: change("instances/0"))
    away = peers.cut if cluster.kind == "local" else peers.shells.cut
    costs = []
    for index, (name, gone) in enumerate([("a", False), ("b", True), ("c", False), ("d", False)]):
        (away.add if gone else away.discard)("n3")
        store.hold_turn()
        before = trips(peers)
        store.commit(lambda _, n=name: change(f"instances/{n}"))
        costs.append(trips(peers) - before)
        assert (cluster.head("n3") == cluster.head("n1")) is (index != 1)
    assert costs[0] == costs[1] == costs[3] == 2
    assert costs[2] == (2 if cluster.kind == "local" else 3)  # the short append was not enough


@pytest.mark.parametrize("lost", ["head", "journal-1.toml", "base-1.toml"])
def test_who_lost_its_files_is_given_them_again(cluster, lost):
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    cluster.disks["n3"].remove(lost)
    for name in ("b", "c"):
        store.commit(lambda _, n=name: change(f"instances/{n}"))
    if lost != "base-1.toml":  # nobody looks at the base of a candidate; verify does
        for name in ("head", "journal-1.toml"):
            assert cluster.disks["n3"].read(name) == cluster.disks["n1"].read(name)
    assert len(cluster.heads()) == 1


def test_a_new_candidate_gets_everything(cluster):
    from gnt.engine.ports import Change
    from gnt.plan import Edit

    data = first_data(nodes=cluster.names)
    data["nodes"]["uuid-n3"]["master_candidate"] = False
    store = cluster.driver()
    store.create(data, "n1")
    store.redistribute()
    store.commit(lambda _: change("instances/a"))
    assert cluster.head("n3") == ""
    promoted = {**data["nodes"]["uuid-n3"], "master_candidate": True}
    store.commit(lambda _: Change(edits=(Edit(path="nodes/uuid-n3", value=promoted),),
                                  operation="node modify"))
    store.commit(lambda _: change("instances/b"))
    assert len(cluster.heads()) == 1


def test_a_hanging_candidate_is_not_waited_for_and_still_gets_what_it_was_sent(tmp_path):
    cluster = Cluster(tmp_path, kind="remote")
    peers = cluster.peers()
    store = cluster.create(peers=peers)
    hanging = peers.shells.shells["n3"].process
    hanging.send_signal(signal.SIGSTOP)
    peers.shells.late.clear()
    store.commit(lambda _: change("instances/a"))
    store.commit(lambda _: change("instances/b"))
    assert set().union(*peers.shells.late) == {"n3"}
    assert cluster.head("n1") == cluster.head("n2") != cluster.head("n3")
    hanging.send_signal(signal.SIGCONT)
    store.commit(lambda _: change("instances/c"))
    assert len(cluster.heads()) == 1
    assert cluster.disks["n3"].read("journal-1.toml") == cluster.disks["n1"].read("journal-1.toml")
    cluster.close()
