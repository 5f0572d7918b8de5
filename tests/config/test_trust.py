"""What is not to be believed is not: every attack on the bytes has a test here."""

import itertools

import pytest
from chains import (
    CLUSTER,
    KEY,
    bytes_of,
    first_data,
    first_head,
    follow,
    head_after,
    make_base,
    make_entry,
    make_key,
)
from clusters import Cluster, change
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.config import journal, trust
from gnt.config.disk import CacheDisk
from gnt.config.journal import Put
from gnt.config.memory_state import FollowingState
from gnt.config.message import Answer, Part
from gnt.config.replica import Replica
from gnt.config.trust import Pin, Trusted
from gnt.errors import Damaged, NotAuthorised

BASE = make_base()
FIRST = first_head(BASE)
EVE = make_key(9)
RECORDS = follow(FIRST.hash, 2, 4)
JOURNAL = bytes_of(RECORDS)


def believed(base=BASE, records=JOURNAL, pin=None):
    trusted = Trusted(FollowingState(), pin or Pin(signers=(KEY.public,), cluster=CLUSTER))
    trusted.begin(base, "base")
    entries, end = journal.split(records, "journal")
    if end != len(records):
        raise Damaged("torn")
    trusted.reach(entries, RECORDS[-1].hash, "journal")
    return trusted


def test_the_untouched_is_believed():
    assert believed().position.serial == 5


@pytest.mark.parametrize("step", [7])
def test_every_changed_byte_of_a_base_is_found(step):
    for at in range(0, len(BASE), step):
        for flip in (1, 0x20):
            with pytest.raises((Damaged, NotAuthorised)):
                believed(base=BASE[:at] + bytes([BASE[at] ^ flip]) + BASE[at + 1:])


def test_every_changed_byte_of_a_journal_is_found():
    for at in range(0, len(JOURNAL), 7):
        for flip in (1, 0x20):
            with pytest.raises((Damaged, NotAuthorised)):
                believed(records=JOURNAL[:at] + bytes([JOURNAL[at] ^ flip]) + JOURNAL[at + 1:])


def test_every_truncation_is_found():
    for at in range(0, len(BASE), 11):
        with pytest.raises((Damaged, NotAuthorised)):
            believed(base=BASE[:at])
    for at in range(0, len(JOURNAL), 11):
        with pytest.raises(Damaged):
            believed(records=JOURNAL[:at])


def refused(records, match, kind=Damaged):
    with pytest.raises(kind, match=match):
        believed(records=bytes_of(records))


def test_records_out_of_order():
    refused([RECORDS[0], RECORDS[2]], "should be 3")
    refused([RECORDS[1]], "should be 2")
    refused([RECORDS[0], RECORDS[0]], "should be 3")


def test_a_record_of_another_history():
    other = follow("0" * 64, 2, 1)
    refused(other, "does not follow")


def test_a_stranger_s_record():
    refused(follow(FIRST.hash, 2, 1, key=EVE), "may not sign here", NotAuthorised)


def test_a_stranger_s_base():
    with pytest.raises(NotAuthorised, match="not a known signer"):
        believed(base=make_base(key=EVE))


def test_another_cluster_of_the_same_admin():
    data = first_data()
    data["cluster"]["cluster"]["uuid"] = "another"
    with pytest.raises(NotAuthorised, match="another cluster"):
        believed(base=make_base(data))


def test_a_removed_signer_s_record():
    data = first_data({"admin": KEY.public, "eve": EVE.public})
    base = make_base(data)
    head = first_head(base)
    gone = make_entry(2, head.hash, put=(), drop=("signers/eve",))
    late = make_entry(3, gone.hash, key=EVE)
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(base, "base")
    trusted.follow(gone, "journal")
    with pytest.raises(NotAuthorised):
        trusted.follow(late, "journal")


def test_a_signer_signs_nothing_before_it_was_added():
    added = make_entry(2, FIRST.hash, key=EVE, put=(
        Put(path="signers/eve", value={"name": "eve", "key": EVE.public}),))
    refused([added], "may not sign here", NotAuthorised)


def test_a_signer_whose_right_ends_does_not_go_back_in_time():
    """Others may, as far as clocks differ: whoever signs says what time it is."""
    day = trust.BACK
    signers = {"admin": KEY.public, "eve": EVE.public}
    data = first_data(signers)
    data["signers"]["eve"]["valid_until"] = int(9 * day)
    base = make_base(data)
    late = make_entry(2, first_head(base).hash, time=5 * day)
    for key, time, good in ((EVE, 4 * day, True), (EVE, 4 * day - 1, False), (KEY, 0.0, True)):
        trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
        trusted.begin(base, "base")
        trusted.follow(late, "journal")
        entry = make_entry(3, late.hash, key=key, time=time)
        if good:
            trusted.follow(entry, "journal")
            continue
        with pytest.raises(NotAuthorised, match="dated before the record before it, by eve"):
            trusted.follow(entry, "journal")


def test_a_signer_whose_right_has_ended_signs_no_base():
    data = first_data({"admin": KEY.public, "eve": EVE.public})
    data["signers"]["eve"]["valid_until"] = 100
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(make_base(data), "base")
    late = {"key": EVE, "serial": 2, "head": "a" * 64, "previous": 1}
    with pytest.raises(NotAuthorised, match="signed by eve, whose right to sign had ended"):
        trusted.begin(make_base(data, time=100.0, **late), "base")
    assert trusted.position.serial == 1
    assert trusted.begin(make_base(data, time=99.0, **late), "base") == EVE.public
    assert trusted.position.serial == 2
    again = Trusted(FollowingState(), Pin(signers=()))
    with pytest.raises(NotAuthorised, match="not a known signer"):
        again.begin(make_base(data), "base")
    assert again.begin(make_base(data), "base", known=True) == KEY.public


def test_what_takes_the_cluster_s_identity_is_not_believed_ahead():
    """As for records that are followed: a failover must not take it along."""
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(BASE, "base")
    good = make_entry(2, FIRST.hash)
    stolen = {**first_data()["cluster"]["cluster"], "uuid": "another"}
    bad = make_entry(3, good.hash, put=(Put(path="cluster/cluster", value=stolen),))
    assert trusted.believable([good, bad, make_entry(4, bad.hash)], "n1") == [good]
    assert trusted.position.serial == 1


def test_who_may_sign_is_known_from_a_state_that_is_there():
    state = FollowingState()
    Trusted(state, Pin(signers=(KEY.public,))).begin(BASE, "base")
    again = Trusted(state, Pin(signers=()))
    assert again.signers() == {KEY.public: "admin"}
    again.follow(RECORDS[0], "journal")


def test_no_more_signers_can_be_asked_for_than_there_are():
    def asking(many):
        value = {**first_data()["cluster"]["cluster"], "signer_threshold": many}
        return make_entry(2, FIRST.hash, put=(Put(path="cluster/cluster", value=value),))

    refused([asking(2)], "it would leave 1 who may sign, where 2 must agree")
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(BASE, "base")
    trusted.follow(asking(1), "journal")


def with_signer(many, name, key):
    value = {**first_data()["cluster"]["cluster"], "signer_threshold": many}
    return make_entry(2, FIRST.hash, put=(
        Put(path="cluster/cluster", value=value),
        Put(path=f"signers/{name}", value={"name": name, "key": key})))


def test_signers_count_by_their_keys():
    refused([with_signer(2, "again", KEY.public)], "it would leave 1 who may sign")
    refused([with_signer(3, "eve", EVE.public)], "it would leave 2 who may sign")
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(BASE, "base")
    trusted.follow(with_signer(2, "eve", EVE.public), "journal")


def test_rotation_through_many_signers():
    keys = [KEY, *(make_key(n) for n in range(10, 40))]
    trusted = Trusted(FollowingState(), Pin(signers=(KEY.public,)))
    trusted.begin(BASE, "base")
    prev, serial = FIRST.hash, 1
    for old, new in itertools.pairwise(keys):
        serial += 1
        entry = make_entry(serial, prev, key=old, put=(
            Put(path="signers/admin", value={"name": "admin", "key": new.public}),))
        trusted.follow(entry, "journal")
        prev = entry.hash
    assert list(trusted.signers()) == [keys[-1].public]
    with pytest.raises(NotAuthorised):
        trusted.follow(make_entry(serial + 1, prev, key=keys[-2]), "journal")


def test_terms_and_turns_never_go_back():
    late = make_entry(2, FIRST.hash, term=3, turn=7)
    for term, turn in ((2, 9), (3, 6)):
        refused([late, make_entry(3, late.hash, term=term, turn=turn)], "go back")


def test_nobody_left_to_sign():
    refused([make_entry(2, FIRST.hash, put=(), drop=("signers/admin",))], "nobody who may sign")
    refused([make_entry(2, FIRST.hash, put=(), drop=("cluster/cluster",))], "drops the cluster")
    data = first_data()
    data["signers"] = {}
    with pytest.raises(Damaged, match="nobody may sign"):
        believed(base=make_base(data))


def test_the_cluster_keeps_its_identity():
    refused([make_entry(2, FIRST.hash, put=(
        Put(path="cluster/cluster", value={"uuid": "x", "cluster_name": "y"}),))], "uuid")


@pytest.mark.parametrize("path", ["nothing/a", "nodes/", "nodes", "cluster/other", "nodes/a\nb",
                                  "nodes/" + "x" * 300, "/etc/passwd", "jobs/\u202eevil"])
def test_paths_of_no_object(path):
    longest = "instances/" + "x" * journal.MAX_KEY
    assert journal.check_path(longest, "x") == ("instances", longest[10:])
    with pytest.raises(Damaged, match="not the path of an object"):
        journal.check_path(longest + "x", "x")
    refused([make_entry(2, FIRST.hash, put=(Put(path=path, value={}),))], "path|shown|cluster")


def test_sizes_are_bounded():
    with pytest.raises(Damaged, match="more than the"):
        make_entry(2, FIRST.hash, reason="x" * (journal.MAX_RECORD + 1))
    endless = b"[txn.2]\n" + b"x" * (journal.MAX_RECORD + 10) + b'\nsig = "a"\n\n'
    with pytest.raises(Damaged, match="a record of"):
        journal.split(endless, "journal")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(JOURNAL)))
def test_a_torn_tail_is_cut_at_a_record(at):
    entries, end = journal.split(JOURNAL[:at], "journal")
    whole = [e for e in RECORDS if JOURNAL.find(e.record) + len(e.record) <= at]
    assert entries == whole
    assert end == len(bytes_of(whole))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_in_a_record_survives(reason, value):
    if any(0xD800 <= ord(c) < 0xE000 for c in reason + value):
        return
    entry = make_entry(2, FIRST.hash, reason=reason, put=(Put(path="nodes/n", value={"a": value}),))
    (again,), end = journal.split(entry.record + b"[txn.3]\n", "journal")
    assert end == len(entry.record)
    txn = journal.parse(again, "journal")
    assert (txn.reason, txn.put[0].value["a"]) == (reason, value)


def answer(head, *parts):
    return Answer(status=0, head=head, parts=tuple(
        Part(kind=kind, number=1, offset=0, data=data) for kind, data in parts))


@pytest.fixture
def replica(tmp_path):
    return Replica(CacheDisk(str(tmp_path / "copy")), FollowingState(), Pin(signers=(KEY.public,)),
                   seen=str(tmp_path / "seen"))


WHOLE = answer(head_after(RECORDS[-1]), ("base", BASE), ("journal", JOURNAL))


def test_an_older_head_is_refused_also_by_a_new_copy(replica, tmp_path):
    replica.accept(WHOLE, "n1")
    older = answer(head_after(RECORDS[1]), ("base", BASE), ("journal", JOURNAL))
    with pytest.raises(Damaged, match="older than one seen"):
        replica.accept(older, "n2")
    fresh = Replica(CacheDisk(str(tmp_path / "copy2")), FollowingState(),
                    Pin(signers=(KEY.public,)), seen=str(tmp_path / "seen"))
    with pytest.raises(Damaged, match="older than one seen"):
        fresh.accept(older, "n2")
    assert fresh.accept(WHOLE, "n1")


def test_a_fork_with_the_same_serial_is_refused(replica):
    replica.accept(WHOLE, "n1")
    other = follow(FIRST.hash, 2, 4, note="other")
    with pytest.raises(Damaged, match="another history has the serial 5") as caught:
        replica.accept(answer(head_after(other[-1]), ("journal", b"")), "n2")
    assert "gnt-cluster verify" in caught.value.hint and "rm -r" not in caught.value.hint


def test_two_versions_mixed_are_refused(replica):
    other = follow(FIRST.hash, 2, 4, note="other")
    mixed = bytes_of([*RECORDS[:2], *other[2:]])
    with pytest.raises(Damaged):
        replica.accept(answer(head_after(other[-1]), ("base", BASE), ("journal", mixed)), "n1")


def test_a_head_that_the_journal_does_not_reach(replica):
    jump = head_after(RECORDS[-1]).replace(serial=99)
    with pytest.raises(Damaged, match="not in it"):
        replica.accept(answer(jump, ("base", BASE), ("journal", JOURNAL)), "n1")


def test_what_is_not_committed_is_not_read(replica):
    replica.accept(answer(head_after(RECORDS[1]), ("base", BASE), ("journal", JOURNAL)), "n1")
    assert replica.position.serial == 3
    assert replica.disk.read("journal-1.toml") == bytes_of(RECORDS[:2])


@pytest.mark.parametrize("name", ["head", "base-1.toml", "journal-1.toml", "trust.toml"])
def test_a_damaged_copy_is_fetched_again(tmp_path, name):
    cluster = Cluster(tmp_path)
    cluster.create(replica=tmp_path / "copy").commit(lambda _: change("instances/a"))
    path = tmp_path / "copy" / name
    original = path.read_bytes()
    for at in range(0, len(original), max(1, len(original) // 10)):
        path.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1:])
        store = cluster.driver(replica=tmp_path / "copy")
        try:
            config = store.read()
        except (Damaged, NotAuthorised):
            assert name in ("trust.toml", "head")  # it claims to have seen more, or trusts others
        else:
            assert [i.uuid for i in config.instances] == ["a"]
        path.write_bytes(original)
