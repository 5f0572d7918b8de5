"""The history: every earlier state, and a folder that anyone can check."""

import hashlib
import pathlib
import subprocess

import pytest
from chains import KEY, make_key
from clusters import Cluster, change

from gnt.config import base as bases
from gnt.config import compaction, history, signature
from gnt.config import message as m
from gnt.config.ledger import Ledger
from gnt.config.trust import Pin
from gnt.engine.ports import Change
from gnt.errors import Conflict, Damaged, Invalid, NodeFailed, NotAuthorised, NotFound
from gnt.model.objects import KINDS
from gnt.plan import Edit

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


@pytest.fixture
def story(cluster):
    """a made, a changed, a new base, b made and a dropped."""
    store = cluster.create()
    store.commit(lambda _: change("instances/a", reason="first"))
    store.commit(lambda _: Change(edits=(Edit(path="instances/a", value={
        "uuid": "a", "name": "renamed", "primary_node": "uuid-n1"}),), operation="instance rename"))
    compaction.compact(store)
    store.commit(lambda _: change("instances/b", drop=["instances/a"]))
    return store


@pytest.fixture
def ledger(story):
    return Ledger(lambda: story)


def test_the_log_goes_back_over_bases(ledger):
    told = [(t["serial"], t["operation"], t["signer"]) for t in ledger.log()]
    assert told == [(4, "node modify", "admin"), (3, "instance rename", "admin"),
                    (2, "node modify", "admin")]


def test_jobs_see_only_as_much_as_they_ask_for(story):
    assert [t["serial"] for t in story.history(newest=2)] == [4, 3]
    assert [t["serial"] for t in story.history()] == [4, 3, 2]


def test_a_candidate_that_is_away_is_passed_over_for_the_past(cluster, story):
    """The master is asked first, for it is the one that keeps most."""
    peers = cluster.peers()
    reader, asked = cluster.driver(peers=peers), []
    reader.read()
    peers.before = lambda name, message: asked.append(name) if isinstance(message, m.Past) else None
    assert len(Ledger(lambda: reader).chapters()) == 2 and asked == ["n1"]
    for name in ("n1", "n2"):
        cluster.disks[name].remove("base-1.toml")
    asked.clear()
    assert len(Ledger(lambda: reader).chapters()) == 2 and asked == ["n1", "n2", "n3"]
    real = peers.ask

    def ask(messages, deadline=15.0, enough=None):
        away = [name for name in messages if isinstance(messages[name], m.Past) and name != "n3"]
        return real(messages, deadline, enough) | {
            name: NodeFailed(name, "unreachable", "no route") for name in away}

    peers.ask = ask
    assert len(Ledger(lambda: reader).chapters()) == 2
    cluster.disks["n3"].remove("base-1.toml")
    assert len(Ledger(lambda: reader).chapters()) == 1


def test_no_more_chapters_are_fetched_than_are_asked_for(ledger):
    assert [[c.number for c in ledger.chapters(serial)] for serial in (9, 3, 2, 1, 0)] == [
        [3], [3], [1, 3], [1, 3], [1, 3]]


def test_the_past_comes_over_a_shell_too(tmp_path):
    cluster = Cluster(tmp_path, kind="remote")
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    compaction.compact(store)
    store.commit(lambda _: change("instances/b"))
    assert [t["serial"] for t in Ledger(lambda: cluster.driver()).log()] == [3, 2]
    cluster.close()


def test_one_transaction(ledger):
    shown = ledger.show(2)
    assert (shown["reason"], shown["put"][0]["path"]) == ("first", "instances/a")
    assert shown["fingerprint"] == signature.fingerprint(KEY.public)
    with pytest.raises(NotFound, match="no transaction 9 "):
        ledger.show(9)


def test_the_cluster_is_one_table(ledger):
    assert ledger.cat("cluster/cluster", 2)[0] == "[cluster]"
    assert ledger.cat("instances/a", 2)[0] == "[instances.a]"


def test_an_object_at_any_time(ledger):
    assert 'name = "name-of-a"' in ledger.cat("instances/a", 2)
    assert 'name = "renamed"' in ledger.cat("instances/a", 3)
    assert ledger.cat("instances", 3) == ["instances/a"]
    assert ledger.cat("instances", None) == ["instances/b"]
    with pytest.raises(NotFound, match="no instances/a in transaction 4"):
        ledger.cat("instances/a", None)
    with pytest.raises(Damaged, match="config: 'nonsense/a' is not the path of an object"):
        ledger.cat("nonsense/a", None)


def test_a_diff_shows_lines(ledger):
    assert ledger.diff(2, 3) == [
        "--- 2:instances/a", "+++ 3:instances/a", "@@ -2,3 +2,3 @@",
        ' uuid = "a"', '-name = "name-of-a"', '+name = "renamed"', ' primary_node = "uuid-n1"']
    assert ledger.diff(3, 3) == []
    assert "+++ 4:instances/b" in ledger.diff(3, None)


def test_a_rollback_is_a_new_transaction(ledger, story):
    assert ledger.rollback(2, "mistake") == 5
    assert [i.name for i in story.read().instances] == ["name-of-a"]
    shown = ledger.show(5)
    assert (shown["note"], shown["operation"], shown["reason"], shown["drop"]) == (
        "back to 2", "cluster config rollback", "mistake", ["instances/b"])
    assert ledger.rollback(5, "") == 5


def test_a_rollback_leaves_signers_and_the_master(ledger, story):
    other = make_key(5).public
    story.commit(lambda cfg: Change(edits=(
        Edit(path="signers/eve", value={"name": "eve", "key": other}),
        Edit(path="cluster/cluster", value={**story.replica.state.load("cluster", "cluster"),
                                            "master_node": "uuid-n2"})), operation="x y"))
    story.read()
    ledger.rollback(2, "")
    config = story.read()
    assert config.master.name == "n2"
    assert {signer.name for signer in config.signers} == {"admin", "eve"}


def test_a_rollback_says_nothing_of_who_is_offline_or_let_in(ledger, story):
    """Offline is proof for failover, and a key that was taken away is to stay away."""
    state = story.replica.state
    keys = ["ssh-ed25519 AAAA admin@desk"]

    def put(path, **changes):
        section, key = path.split("/")
        return Edit(path=path, value={**state.load(section, key), **changes})

    story.commit(lambda _: Change(edits=(
        put("nodes/uuid-n2", offline=True, name="new", master_candidate=False),
        put("cluster/cluster", login_keys=keys),
        Edit(path="nodes/uuid-n3", value=None)), operation="x y"))
    story.read()
    ledger.rollback(4, "")
    config = story.read()
    assert (config.node("n2").offline, config.node("n2").master_candidate) == (True, False)
    assert (config.node("n3").offline, config.node("n3").master_candidate) == (True, False)
    assert config.cluster.login_keys == tuple(keys)


def test_a_rollback_takes_the_cluster_s_own_fields_back(ledger, story):
    def renamed(name, master):
        return {**story.replica.state.load("cluster", "cluster"), "cluster_name": name,
                "master_node": master}

    story.commit(lambda _: Change(edits=(Edit(
        path="cluster/cluster", value=renamed("other", "uuid-n2")),), operation="cluster rename"))
    story.read()
    ledger.rollback(4, "")
    config = story.read()
    assert (config.cluster.cluster_name, config.master.name) == ("test", "n2")


def test_a_note_is_a_transaction_that_changes_nothing(ledger, story):
    before = story.replica.state.everything()
    assert ledger.record("cluster note", "looked at the cables") == 5
    assert ledger.show(5)["note"] == "looked at the cables"
    assert story.replica.state.everything() == before
    assert ledger.own_key() == KEY.public


def test_no_rollback_while_jobs_are_pending(ledger, story):
    job = {"id": "@", "operation": "x y", "params": {}, "author": "", "driver": "",
           "state": "running"}
    story.commit(lambda _: Change(edits=(Edit(path="jobs/@", value=job),), operation="x y"))
    story.commit(lambda _: Change(edits=(Edit(path="jobs/@", value=job),), operation="x y"))
    with pytest.raises(Conflict, match="jobs are pending: 5, 6"):
        ledger.rollback(2, "")


def test_transactions_that_are_not_kept_are_told_from_to(ledger):
    for serial, first in ((1, 1), (5, 3)):
        with pytest.raises(NotFound, match=rf"no transaction {serial} \(kept are {first} to 4\)"):
            ledger.show(serial)


def test_what_differs_is_looked_for_in_every_kind():
    after = {section: {"x": {"name": section}} for section in KINDS}
    every = [f"{section}/x" for section in KINDS]
    assert history.differing({}, after) == history.differing(after, {}) == every
    assert history.differing(after, after) == []
    for section in KINDS:
        assert history.differing({}, after, (section,)) == [
            path for path in every if path != f"{section}/x"]


def test_everything_is_verified(ledger):
    found = ledger.verify("", ())
    assert (found["serial"], found["records"], found["bases"]) == (4, 3, 2)
    assert ledger.verify("", [signature.fingerprint(KEY.public)])["serial"] == 4
    with pytest.raises(NotAuthorised, match="not by a signer that was named"):
        ledger.verify("", ["SHA256:other"])


@pytest.fixture
def folder(ledger, tmp_path):
    ledger.export(str(tmp_path / "out"))
    return tmp_path / "out"


def documented(text, indent):
    """The loop that a text tells people to type."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.strip().startswith("for file in"))
    last = next(n for n, line in enumerate(lines) if n > first and line.strip() == "done")
    return "\n".join(line[indent:] for line in lines[first:last + 1])


PAGE = documented((ROOT / "man/prose/cluster.rst").read_text(), 4)


def openssh(folder):
    """What the documented commands print, by line."""
    done = subprocess.run(["sh", "-c", PAGE], cwd=folder, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.splitlines()


def test_an_export_is_checked_by_openssh_alone(folder):
    assert documented((folder / "README").read_text(), 4) == PAGE
    signed = list(folder.glob("*/*.sig"))
    said = openssh(folder)
    assert len(said) == len(signed) == 5
    assert all(line.startswith('Good "gnt-config" signature for admin') for line in said)
    for changed in ("records/2.toml", "bases/3.toml"):
        path = folder / changed
        path.write_bytes(path.read_bytes().replace(b"root@", b"toor@"))
        said = openssh(folder)
        good = [line for line in said if line.startswith("Good")]
        assert len(good) == 4 and any("incorrect signature" in line for line in said)
        path.write_bytes(path.read_bytes().replace(b"toor@", b"root@"))


def test_records_name_the_one_before_by_its_sum(folder):
    prev = next(line for line in (folder / "records/3.toml").read_text().splitlines()
                if line.startswith("prev = "))
    before = hashlib.sha256((folder / "records/2.toml").read_bytes()).hexdigest()
    assert prev == f'prev = "{before}"'


def test_an_export_is_verified_without_a_cluster(folder):
    offline = Ledger(lambda: pytest.fail("it asks for a cluster"))
    assert offline.verify(str(folder), ())["serial"] == 4


def test_an_export_needs_a_name(ledger):
    with pytest.raises(Invalid, match="folder: its name is empty"):
        ledger.export("")


def test_an_export_never_overwrites(ledger, folder):
    with pytest.raises(Conflict, match="not empty"):
        ledger.export(str(folder))


@pytest.mark.parametrize("name", [
    "records/2.toml", "records/2.toml.sig", "records/4.toml", "bases/1.toml", "bases/3.toml",
    "bases/3.toml.sig", "head", "objects/instances/b.toml"])
def test_any_changed_byte_of_an_export_is_found(folder, name):
    path = folder / name
    original = path.read_bytes()
    for at in range(0, len(original), max(1, len(original) // 12)):
        path.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1:])
        with pytest.raises((Damaged, NotAuthorised)):
            Ledger(lambda: None).verify(str(folder), [signature.fingerprint(KEY.public)])
    path.write_bytes(original)
    assert Ledger(lambda: None).verify(str(folder), ())["serial"] == 4


def test_a_missing_or_added_file_is_found(folder):
    offline = Ledger(lambda: None)
    (folder / "objects/instances/c.toml").write_text("[instances.c]\n")
    with pytest.raises(Damaged, match="no such object"):
        offline.verify(str(folder), ())
    (folder / "objects/instances/c.toml").unlink()
    (folder / "records/4.toml").unlink()
    with pytest.raises(Damaged, match=r"head: it is not the head"):
        offline.verify(str(folder), ())
    (folder / "head").unlink()
    with pytest.raises(Damaged, match=r"out/head: No such file or directory"):
        offline.verify(str(folder), ())


def test_a_base_that_lies_about_its_objects_is_found(cluster):
    """Signed by a signer, following the chain, and yet not what the journal came to."""
    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    state = store.replica.state
    state.data["instances"]["evil"] = {"uuid": "evil", "name": "evil", "primary_node": "uuid-n1"}
    compaction.compact(store)
    reader = cluster.driver(pin=Pin(signers=(KEY.public,)))
    with pytest.raises(Damaged, match="not what the journal before it came to"):
        Ledger(lambda: reader).verify("", ())


def test_two_drivers_that_compact_at_once_lose_no_history(tmp_path):
    cluster = Cluster(tmp_path)
    one, other = cluster.create(), cluster.driver()
    one.commit(lambda _: change("instances/a"))
    assert other.read().serial == one.read().serial == 2
    compaction.compact(one)
    compaction.compact(other)  # it found the journal long, and had to wait for its turn
    other.commit(lambda _: change("instances/b"))
    assert [txn["serial"] for txn in Ledger(lambda: other).log()] == [3, 2]


def test_a_base_that_replaces_one_keeps_its_place_in_the_history(tmp_path):
    store = Cluster(tmp_path).create()
    store.commit(lambda _: change("instances/a"))
    compaction.compact(store)
    again = compaction.make(store.replica, store.author)
    assert bases.parse(again, "base").header.previous == 1


def test_a_base_before_itself_is_damage_and_no_endless_loop(tmp_path):
    store = Cluster(tmp_path).create()
    store.commit(lambda _: change("instances/a"))
    compaction.compact(store)
    chapter = Ledger(lambda: store).chapters()[-1]
    header = chapter.parsed().header.replace(previous=chapter.number)
    body = bases.body(header, chapter.parsed().data)
    looped = chapter.replace(base=bases.signed(body, signature.sign(body, KEY)))
    with pytest.raises(Damaged, match=r"names base-2\.toml as the one before"):
        Ledger(lambda: store)._before(store, looped)
