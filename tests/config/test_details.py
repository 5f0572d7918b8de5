"""Details of the configuration that a change of one word would break (found by ``make mutate``)."""

from __future__ import annotations

import gc
import pathlib

import pytest
from chains import KEY, first_data, make_key
from clusters import Cluster, change

from gnt.config import canon, consent, disk, export, record, remote, signature
from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.ledger import Ledger
from gnt.config.verify import verify
from gnt.engine.ports import Change, Reply
from gnt.errors import Damaged, NotFound
from gnt.plan import Edit


@pytest.fixture
def cluster(tmp_path: pathlib.Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.mark.parametrize("spaced", [False, True])
def test_both_readers_end_at_the_same_depth(spaced: bool) -> None:
    def document(depth: int, sign: str) -> bytes:
        inside = {"[": "[" * depth + "]" * depth, "{": "{a = " * depth + "1" + "}" * depth}[sign]
        return f"{'# slow' if spaced else ''}\n[a]\nb = {inside}\n".lstrip("\n").encode()

    deepest = {sign: max(depth for depth in range(20, 45) if _readable(document(depth, sign)))
               for sign in "[{"}
    assert deepest == {"[": canon.MAX_DEPTH + 1, "{": canon.MAX_DEPTH + 1}


def _readable(data: bytes) -> bool:
    try:
        canon.read(data, "x")
    except Damaged:
        return False
    return True


@pytest.mark.parametrize("running", [True, False])
def test_the_collector_is_left_as_it_was(running: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if running else gc.disable)()
        canon.read(b"[a]\nb = 1\n", "x")
        assert gc.isenabled() is running
    finally:
        (gc.enable if before else gc.disable)()


def test_lines_of_bad_bytes_are_counted_from_one() -> None:
    with pytest.raises(Damaged, match="x, line 1: not UTF-8"):
        canon.read(b"\xff", "x")
    with pytest.raises(Damaged, match="x, line 2: not UTF-8"):
        canon.read(b"\n\xff", "x")
    with pytest.raises(Damaged, match="x, line 3: not UTF-8"):
        canon.read(b"a = 1\nb = 2\n\xff\n", "x")


def test_a_node_has_one_lock_for_its_term() -> None:
    assert disk.term_lock("/var/lib/gnt/config") == "/run/gnt/term.lock"
    assert disk.term_lock("/tmp/x") == "/tmp/x/term.lock"


def test_names_of_exported_files() -> None:
    assert [export._file_name(key) for key in ("a", ".a", "a/b", "..", "a b", "ä")] == [
        "a", "%2Ea", "a%2Fb", "%2E.", "a b", "%C3%A4"]


def test_an_export_lists_whoever_was_a_signer(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    store = cluster.create()
    other = make_key(2).public
    added = Edit(path="signers/b+c", value={"name": "b+c", "key": other})
    store.commit(lambda _: Change(edits=(added,), operation="signer add"))
    store.commit(lambda _: Change(edits=(Edit(path="signers/b+c"),), operation="signer remove"))
    store.commit(lambda _: change("instances/a"))
    chapters = Ledger(lambda: store).chapters()
    verified, state = verify(chapters)
    folder = str(tmp_path / "out")
    count = export.export(chapters, state, verified, folder)
    listed = (tmp_path / "out/allowed_signers").read_text().splitlines()
    assert listed == [f'admin namespaces="gnt-config" {KEY.public}',
                      f'b%2Bc namespaces="gnt-config" {other}']
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert count == len(files)
    assert (tmp_path / "out/head").read_text() == f"1 4 {verified.head}\n"
    assert oct((tmp_path / "out/records").stat().st_mode & 0o777) == "0o700"
    export.check(folder, state, verified)
    (tmp_path / "out/objects/instances/b.toml").write_text("")
    with pytest.raises(Damaged, match="has no such object"):
        export.check(folder, state, verified)


def test_consent_is_signed_and_names_who_agreed(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    store = cluster.create(data=first_data(signers={"admin": KEY.public,
                                                    "b": make_key(2).public}))
    path, asked = str(tmp_path / "consent"), []
    with pytest.raises(NotFound, match="there is no file") as caught:
        Ledger(lambda: store).sign(path, asked.append)
    assert "--consent" in caught.value.hint and asked == []
    text = b"gnt-consent-1\ncluster c\nchange 0\nno signer b\n"
    by_b = signature.sign(text, make_key(2), consent.NAMESPACE)
    pathlib.Path(path).write_bytes(text + b"signature " + by_b.encode() + b"\n")
    fresh = cluster.driver()
    said = Ledger(lambda: fresh).sign(path, asked.append)
    assert said == "agreed so far, besides who makes the change: b, admin"
    assert asked == ["    cluster c\n    change 0\n    no signer b\nDo you agree to this change?"]
    found, signatures = consent.ConsentFile(path).read()
    assert found == text and [signature.verify(text, one, "x", consent.NAMESPACE)
                              for one in signatures] == [make_key(2).public, KEY.public]
    assert consent.ConsentFile(path).asked(text) == signatures


def test_a_script_brings_the_functions_it_calls_and_no_others() -> None:
    remote._functions.clear()  # they are read once
    known = remote.functions()
    assert remote.functions() is known
    assert len(known) > 10 and all(text.startswith(name) for name, text in known.items())
    assert all(" # " not in text and "\n#" not in text for text in known.values())
    for name in known:
        text = remote.needed([name])
        assert known[name] in text
        assert all(known[other] in text for other in known if other in known[name])
        assert remote.needed([name], known) == ""
    assert len(remote.needed(["gnc_release"])) < len(remote.needed(known)) == sum(
        map(len, known.values()))


def test_a_commit_brings_only_what_the_turn_did_not(cluster: Cluster) -> None:
    dialect = remote.Dialect("/tmp/x")
    head = m.Head(term=1, serial=1, hash="a" * 64, base=1)
    commit = dialect.frame(m.Commit(term=1, turn=2, after=head, serial=2, hash="b" * 64,
                                    records=b"r")).text
    taking = dialect.frame(m.Take(term=1, asked=(0, 0))).text
    for name, text in remote.functions().items():
        brought = name == "gnc_release" or (text in remote.needed(["gnc_commit"])
                                            and text not in taking)
        assert (text in commit) is brought, name


class Frames:
    """Frames that are answered with one status first, and kept."""

    def __init__(self, first: int = m.NOT_SIMPLE) -> None:
        self.first, self.put, self.posted = first, [], []

    def frames(self, frames, deadline, enough):
        self.put.append((dict(frames), enough))
        status, self.first = self.first, m.OK
        return {name: Reply(status=status, out=b"", err=b"") for name in frames}

    def post(self, frames):
        self.posted.append(dict(frames))


HEAD = m.Head(term=1, serial=1, hash="a" * 64, base=1)
LEARN = m.Learn(head=HEAD.replace(serial=2, hash="b" * 64), by=1, after=HEAD, size=10)


def test_a_short_frame_that_is_not_enough_is_followed_by_the_long_one() -> None:
    frames = Frames()
    peers = remote.RemotePeers(frames)
    assert peers.ask({"n2": LEARN}, enough=1)["n2"].status == m.OK
    (short, _), (long, enough) = frames.put
    assert "gnc_heard" in short["n2"].text and "gnc_learn" in long["n2"].text and enough == 1
    peers.post({"n2": LEARN})
    peers.post({"n2": LEARN})
    assert ["gnc_heard" in one["n2"].text.splitlines()[-1] for one in frames.posted] == [
        False, True]  # once it was astray, it is told the long way once


def test_a_short_frame_that_is_enough_is_all() -> None:
    frames = Frames(m.OK)
    peers = remote.RemotePeers(frames)
    assert peers.ask({"n2": LEARN})["n2"].status == m.OK
    assert len(frames.put) == 1
    peers.post({"n2": LEARN})
    assert "gnc_heard" in frames.posted[0]["n2"].text


def test_signers_are_told_apart_by_their_keys(cluster: Cluster) -> None:
    store = cluster.create(data=first_data(signers={"admin": KEY.public,
                                                    "b": make_key(2).public}))
    assert store.replica.trusted.signers() == {KEY.public: "admin", make_key(2).public: "b"}
    changed = Edit(path="signers/b", value={"name": "b", "key": make_key(3).public})
    store.commit(lambda _: Change(edits=(changed,), operation="signer add"))
    assert store.replica.trusted.signers() == {KEY.public: "admin", make_key(3).public: "b"}


def test_who_signs_says_what_time_it_is() -> None:
    import time

    author = record.Author("root@t", lambda: KEY)
    assert abs(author.clock() - time.time()) < 60 and author.asked(b"x") == ()
    assert record.Author("root@t", lambda: KEY, lambda: 7.0).clock() == 7.0
    assert author.fingerprint == signature.fingerprint(KEY.public)


def test_a_job_gets_its_serial_unless_it_has_a_name() -> None:
    author = record.Author("root@t", lambda: KEY, lambda: 7.0)
    job = {"id": "@", "operation": "x y", "params": {}, "author": "", "driver": "",
           "state": "running"}
    for given, name in (("@", "4"), ("", "4"), (None, "4"), ("9", "9")):
        begun = Edit(path="jobs/@", value={**job, "id": given})
        txn = record.drafted(Change(edits=(begun,), operation="x y"), 4, "", (1, 1), author)
        assert (txn.job, txn.put[0].path, txn.put[0].value["id"]) == ("4", "jobs/4", name)
    gone = Change(edits=(Edit(path="nothing/a"),), operation="x y")
    with pytest.raises(Damaged, match="a change: 'nothing/a' is not the path"):
        record.drafted(gone, 4, "", (1, 1), author)
    with pytest.raises(Damaged, match="a change: 'nothing/a' is not the path"):
        record.drafted(gone.replace(edits=(Edit(path="nothing/a", value={}),)), 4, "", (1, 1),
                       author)


class Told(disk.Disk):
    """A directory that remembers what was done to it, in order."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)
        self.done: list[str] = []

    def fsync(self, descriptor: int) -> None:
        self.done.append("fsync")
        super().fsync(descriptor)

    def write(self, descriptor: int, data: memoryview) -> int:
        self.done.append("write")
        return super().write(descriptor, data[:3])  # short writes are gone on with

    def rename(self, old: str, new: str) -> None:
        self.done.append("rename")
        super().rename(old, new)

    def sync_directory(self, directory: str = "") -> None:
        self.done.append("directory")
        super().sync_directory(directory)

    def truncate(self, descriptor: int, size: int) -> None:
        self.done.append("truncate")
        super().truncate(descriptor, size)


def test_what_may_be_read_by_whoever_can_log_in() -> None:
    from gnt.config import facts
    from gnt.found import text_beside

    asked = [(facts.fetch, (1, 20), ("1", "20")), (facts.fetch, (1, m.STANDING_ONLY), ("1", "-")),
             (facts.past, (7,), ("7",)), (facts.judge, (), ())]
    for task, given, words in asked:
        script = task.script(task.on("n1", *given))
        assert script.words == words
        assert script.answer("a\n") == "a\n"
    judge = facts.judge.script(facts.judge.on("n1"))
    assert judge.body == text_beside("gnt.config.facts", "judge.sh")
    frame = remote.Dialect().frame(m.Fetch(base=1, offset=20))
    fetch = facts.fetch.script(facts.fetch.on("n1", 1, 20))
    assert (frame.body, frame.words) == (fetch.body, fetch.words)


def test_what_is_written_is_durable_before_it_counts(tmp_path: pathlib.Path) -> None:
    told = Told(str(tmp_path))
    told.replace("head", b"12345")
    assert told.done == ["write", "write", "fsync", "rename", "directory", "fsync"]
    assert (tmp_path / "head").read_bytes() == b"12345" and told.names() == ["head"]
    told.done.clear()
    told.append("head", 5, b"6")
    assert told.done == ["write", "fsync"]
    told.done.clear()
    told.append("head", 2, b"x")
    assert told.done == ["truncate", "fsync", "write", "fsync"]
    assert (tmp_path / "head").read_bytes() == b"12x"


def test_a_turn_begins_on_what_is_durable(tmp_path: pathlib.Path) -> None:
    """What another driver wrote, and may not have synced, is on the disk before it is told."""
    Cluster(tmp_path, names=("n1",)).create()
    told = Told(str(tmp_path / "n1/gnt/config"))
    assert LocalCandidate(told).answer(m.Take(term=1, asked=(0, 0))).status == m.OK
    assert told.done[:3] == ["fsync", "directory", "fsync"]  # the head, and where it stands


def test_consent_with_letters_that_are_none_is_damage(tmp_path: pathlib.Path) -> None:
    (tmp_path / "consent").write_bytes(b"gnt-consent-1\nsignature \xffAAAA\n")
    with pytest.raises(Damaged, match="holds a signature that is none"):
        consent.ConsentFile(str(tmp_path / "consent")).read()


def test_an_export_without_records_is_read(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    store = cluster.create()
    chapters = Ledger(lambda: store).chapters()
    verified, state = verify(chapters)
    folder = str(tmp_path / "out")
    export.export(chapters, state, verified, folder)
    assert not (tmp_path / "out/records").exists()
    again, state = verify(export.read(folder))
    assert again == verified
    export.check(folder, state, again)
    with pytest.raises(Damaged, match="does not hold an exported history"):
        export.read(str(tmp_path))


def test_a_failover_rescues_what_its_driver_had_not_read_yet(cluster: Cluster) -> None:
    from gnt.config.failover import take_over

    store = cluster.create()
    store.commit(lambda _: change("instances/a"))
    peers = cluster.peers()
    late = cluster.driver(peers=peers)
    assert late.read().serial == 2
    store.commit(lambda _: change("instances/b"))
    store.commit(lambda _: change("instances/c"))
    peers.cut.add("n1")
    done = take_over(late, "n2")
    assert {one.name for one in cluster.driver(hints=("n2",)).read().instances} == {
        "name-of-a", "name-of-b", "name-of-c"}
    assert done.serial == 5
