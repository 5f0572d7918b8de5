"""Several changes committed in one turn: a record each, one after the other, all or a beginning."""

from chains import KEY, make_key
from clusters import change

from gnt.config import message as m
from gnt.config.commit import MOST, commit_all
from gnt.config.failover import take_over
from gnt.config.ledger import Ledger
from gnt.errors import Conflict, NodeFailed, NoMajority
from gnt.model.objects import Instance
from gnt.plan import Edit


def adding(*names):
    return [lambda _, name=name: change(f"instances/{name}") for name in names]


def names(config):
    return {instance.name for instance in config.instances}


def history(store):
    """What each transaction has put, newest first."""
    return [[put["path"] for put in entry["put"]] for entry in Ledger(lambda: store).log()]


def test_each_change_is_a_signed_record_of_its_own(cluster):
    store = cluster.create()
    done = commit_all(store, adding("a", "b", "c"))
    assert [config.serial for config in done] == [4, 4, 4]
    other = cluster.driver()
    assert names(other.read()) == {"name-of-a", "name-of-b", "name-of-c"}
    assert history(other)[:3] == [["instances/c"], ["instances/b"], ["instances/a"]]
    other.commit(lambda _: change("instances/d"))
    assert cluster.heads() == {f"1 5 {store.read().head} 1"}


def test_a_group_costs_as_many_round_trips_as_one_change(local):
    peers = local.peers()
    store = local.create(peers=peers)
    store.commit(adding("a")[0])
    before = peers.asked
    store.commit(adding("b")[0])
    one = peers.asked - before
    commit_all(store, adding(*"cdefg"))
    assert peers.asked - before - one == one


def test_a_change_is_made_on_what_the_ones_before_it_leave(local):
    store = local.create()
    seen = []

    def make(name):
        def made(config):
            seen.append((config.serial, names(config), bool(config.get(Instance, "a"))))
            return change(f"instances/{name}", drop=("instances/a",) if name == "b" else ())
        return made

    commit_all(store, [make("a"), make("b"), make("c")])
    assert seen == [(1, set(), False), (2, {"name-of-a"}, True), (3, {"name-of-b"}, False)]
    assert names(store.read()) == {"name-of-b", "name-of-c"}


def test_one_that_is_refused_leaves_the_others_alone(local):
    store = local.create()

    def refuse(config):
        raise Conflict("not this one")

    done = commit_all(store, [*adding("a"), refuse, *adding("b"), lambda _: change()])
    assert [type(outcome).__name__ for outcome in done] == [
        "Config", "Conflict", "Config", "Config"]
    assert names(store.read()) == {"name-of-a", "name-of-b"}
    assert store.read().serial == 3


def test_without_a_majority_nobody_is_told_anything_else(local):
    """What a change was refused for may be what the one before it would have done."""
    peers = local.peers()
    store = local.create(peers=peers)
    peers.cut = {"n2", "n3"}

    def refuse_twice(config):
        if config.get(Instance, "a"):
            raise Conflict("it is there already")
        return change("instances/a")

    done = commit_all(store, [*adding("a"), refuse_twice])
    assert [type(outcome) for outcome in done] == [NoMajority, NoMajority]
    peers.cut = set()
    assert names(store.read()) == set()
    done = commit_all(store, [*adding("b"), refuse_twice])
    assert names(store.read()) == {"name-of-a", "name-of-b"}


def test_what_changes_the_candidates_or_signers_ends_its_group(local):
    """The next change needs another majority, or other signers."""
    peers = local.peers()
    store = local.create(peers=peers)
    sizes = []
    peers.before = lambda name, message: sizes.append(
        message.records.count(b"[txn.")) if type(message) is m.Commit else None
    key = make_key()
    signer = Edit(path="signers/second", value={"name": "second", "key": key.public})
    commit_all(store, [*adding("a"), lambda _: change().replace(edits=(signer,)),
                       *adding("b", "c")])
    assert sizes == [2, 2]
    assert names(local.driver(key=key).read()) == {"name-of-a", "name-of-b", "name-of-c"}


def test_a_long_queue_is_committed_in_several_groups(local):
    store = local.create()
    done = commit_all(store, adding(*(f"i{n}" for n in range(MOST + 5))))
    assert [config.serial for config in done] == [MOST + 1] * MOST + [MOST + 6] * 5


def test_a_group_whose_answer_is_lost_is_found(local):
    peers = local.peers()
    store = local.create(peers=peers)
    peers.before = lambda name, message: peers.deaf.add("n1") if type(
        message) is m.Commit else peers.deaf.clear()
    done = commit_all(store, adding("a", "b"))
    assert [config.serial for config in done] == [3, 3]
    assert store.read().serial == 3


def test_of_a_torn_group_a_failover_keeps_the_beginning_and_it_is_told(local):
    """The master dies before it commits; who is left got only the first record of the group."""
    peers = local.peers()
    store = local.create(peers=peers)
    other = local.driver()
    other.read()

    def cut_in(name, message):
        if type(message) is not m.Commit or done:
            return
        done.append(name)  # it refuses, as a new term has begun
        for node in ("n2", "n3"):
            journal = local.disks[node].read("journal-1.toml")
            second = journal.index(b"[txn.3]")
            local.disks[node].replace("journal-1.toml", journal[:second + 40])
        take_over(other, "n2")

    peers.before, done = cut_in, []
    done = commit_all(store, adding("a", "b"))
    assert names(other.read()) == {"name-of-a", "name-of-b"}
    assert [type(outcome).__name__ for outcome in done] == ["Config", "Config"]
    assert history(other).count(["instances/a"]) == history(other).count(["instances/b"]) == 1


def test_a_failover_prefers_a_later_turn_to_a_longer_group(local):
    """A group that nobody committed is longer than the record that was committed after it."""
    lost_peers, mine_peers = local.peers(), local.peers()
    lost, mine = local.create(peers=lost_peers), local.driver(peers=mine_peers)
    mine.read()
    lost_peers.before = lambda name, message: lost_peers.cut.update(
        ("n1", "n2")) if type(message) is m.Append else None
    done = commit_all(lost, adding("a", "b", "c"))
    assert all(isinstance(outcome, (NoMajority, NodeFailed)) for outcome in done)
    lost_peers.die()
    mine_peers.cut = {"n3"}  # it has the three of the first, and nothing of what comes
    mine_peers.before = lambda name, message: mine_peers.cut.add("n2") if type(
        message) is m.Commit else None
    mine.commit(adding("d")[0])  # on n1 and n2, which never hears that it is committed
    third = local.peers()
    third.cut = {"n1"}
    after = local.driver(peers=third, key=KEY)
    take_over(after, "n3")
    assert names(after.read()) == {"name-of-d"}
