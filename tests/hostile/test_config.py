"""A hostile configuration: every attack is refused with its reason, by drivers and by nodes."""

from __future__ import annotations

import itertools
import os

import pytest

from gnt.config import message as m
from gnt.config import signature
from gnt.config.journal import Put
from tests.config.chains import KEY, first_data, make_base, make_key
from tests.hostile.candidates import BOB, EVE, NAMED, entry, signer

pytestmark = pytest.mark.later


def rule(**more):
    return {**NAMED["cluster"]["cluster"], **more}


def test_honest_records_are_believed(side) -> None:
    it = side()
    first = entry(2, it.head)
    second = entry(3, first.hash, BOB)
    assert it.take([first, second]) == ""
    assert it.take([entry(4, second.hash)]) == ""


def test_what_a_candidate_takes_in_a_hurry_is_looked_at_as_well(candidate) -> None:
    """The short frames of undisturbed commits, for one record and for several."""
    good = entry(2, candidate.head)
    for bad in ([entry(2, candidate.head, EVE)], [good, entry(3, good.hash, EVE)]):
        data = b"".join(one.record for one in bad)
        quick = candidate.dialect.quick(m.Append(
            term=1, turn=9, after=m.Head(term=1, serial=1, hash=candidate.head, base=1),
            serial=bad[-1].serial, hash=bad[-1].hash, records=data, size=0, count=len(bad)))
        assert candidate.run(quick).status == m.NOT_SIMPLE
        assert candidate.journal() == b""
        assert "may" in candidate.take(bad)
    before = candidate.trips
    assert candidate.take([good]) == ""
    assert candidate.trips == before + 3  # where it stands, the record, and that it is committed


def changes(data: bytes, every: int):
    """One bit of every so-manieth byte, a different one each time."""
    for at in range(0, len(data), every):
        yield data[:at] + bytes([data[at] ^ (1 << at % 7)]) + data[at + 1:]


def test_no_byte_of_a_record_can_be_changed(side) -> None:
    it = side()
    good = entry(2, it.head)
    every = 1 if type(it).__name__ == "Driver" else 19  # a node takes a process for each
    for data in changes(good.record, every):
        assert it.take([good], data), data
    assert it.take([good]) == ""


def test_no_record_can_be_cut_off(side) -> None:
    it = side()
    good = entry(2, it.head)
    for size in range(1, len(good.record) - 1, 1 if type(it).__name__ == "Driver" else 29):
        assert it.take([good], good.record[:size])
    assert it.take([good]) == ""


def test_no_byte_of_a_large_base_can_be_changed(side) -> None:
    """100 KB; with GNT_HOSTILE=all the driver's side tries every byte, which takes minutes."""
    data = {**NAMED, "nodes": {**NAMED["nodes"], **{
        f"u{n}": {"uuid": f"u{n}", "name": f"node{n}", "primary_ip": "192.0.2.9",
                  "secondary_ip": "192.0.2.9", "group": "g1"} for n in range(910)}}}
    base, it = make_base(data), side()
    assert len(base) > 100_000
    every = 1009 if type(it).__name__ == "Driver" else 8009
    if os.environ.get("GNT_HOSTILE") == "all":
        every = 1 if type(it).__name__ == "Driver" else 101
    for other in changes(base, every):
        assert it.install(other)


def test_a_stranger_s_signature_is_refused(side) -> None:
    it = side()
    assert "may" in it.take([entry(2, it.head, EVE)])


def test_a_base_by_a_stranger_is_refused(side) -> None:
    it = side()
    assert it.install(make_base(first_data({"eve": EVE.public}), key=EVE))


def test_a_removed_signer_is_refused(side) -> None:
    it = side()
    first = entry(2, it.head, drop=("signers/bob",))
    assert it.take([first]) == ""
    assert "may" in it.take([entry(3, first.hash, BOB)])


def test_a_signer_removed_by_the_record_before_is_refused(side) -> None:
    it = side()
    first = entry(2, it.head, drop=("signers/bob",))
    assert "may" in it.take([first, entry(3, first.hash, BOB)])


def test_a_signer_who_is_only_added_by_his_own_record_is_refused(side) -> None:
    it = side()
    assert "may" in it.take([entry(2, it.head, EVE, put=(signer("eve", EVE),))])


def test_an_expired_signer_is_refused(side) -> None:
    it = side()
    first = entry(2, it.head, put=(signer("bob", BOB, valid_until=100),))
    assert it.take([first]) == ""
    assert it.take([entry(3, first.hash, BOB, time=100.0)])
    assert it.take([good := entry(3, first.hash, BOB, time=99.0)]) == ""
    assert it.take([entry(4, good.hash, BOB, time=500.0)])
    assert it.take([entry(4, good.hash, KEY, time=500.0)]) == ""


def test_a_signature_for_another_purpose_is_refused(side) -> None:
    it = side()
    good = entry(2, it.head)
    other = good.replace(signature=signature.sign(good.body, KEY, "gnt-order"))
    assert it.take([other])


def test_a_serial_cannot_jump(side) -> None:
    it = side()
    assert it.take([entry(7, it.head)])


def test_a_record_that_follows_another_head_is_refused(side) -> None:
    it = side()
    assert it.take([entry(2, "ab" * 32)])


def test_records_cannot_be_exchanged(side) -> None:
    it = side()
    first = entry(2, it.head)
    second, third = entry(3, first.hash), entry(4, entry(3, first.hash).hash)
    assert it.take([third], first.record + third.record + second.record)


def test_records_of_two_versions_cannot_be_mixed(side) -> None:
    """Both are validly signed; only one follows the other."""
    it, other = side(), side(first_data({"admin": KEY.public}))
    foreign = entry(2, other.head)
    assert it.take([foreign])
    assert it.take([entry(2, it.head)]) == ""
    assert other.take([foreign]) == ""


def test_an_old_record_cannot_be_taken_twice(side) -> None:
    """A rollback by saying again what was true once."""
    it = side()
    first = entry(2, it.head)
    second = entry(3, first.hash)
    assert it.take([first, second]) == ""
    assert it.take([entry(4, first.hash)])


def test_a_term_cannot_go_back(side) -> None:
    it = side(data={**NAMED})
    first = entry(2, it.head, term=1, turn=9)
    assert it.take([first]) == ""
    assert it.take([entry(3, first.hash, term=0, turn=9)])


@pytest.mark.parametrize("put", [
    Put(path="cluster/cluster", value=rule(uuid="another")),
    Put(path="signers/bob", value={"name": "eve", "key": BOB.public}),
])
def test_the_wrong_object_is_refused(side, put) -> None:
    it = side()
    assert it.take([entry(2, it.head, put=(put,))])


def test_the_cluster_cannot_be_dropped(side) -> None:
    it = side()
    assert "it drops the cluster" in it.take([entry(2, it.head, drop=("cluster/cluster",))])


@pytest.mark.parametrize("name", [
    "BOB", "Bob", "b\u043eb", "bo\u200bb", "bob ", "b\uff4fb", "a/../bob", "bob\"", "*",
])
def test_look_alike_names_of_signers_are_refused(side, name) -> None:
    """Cyrillic, full-width and invisible letters, capitals, and what ssh-keygen takes for a
    pattern."""
    it = side()
    assert it.take([entry(2, it.head, put=(signer(name, EVE),))])
    assert "may" in it.take([entry(2, it.head, EVE)])


def test_signers_cannot_be_lost(side) -> None:
    """The last one, and those below the threshold."""
    it = side()
    assert "would leave" in it.take([entry(2, it.head, drop=("signers/bob", "signers/admin"))])


def test_keys_lost_below_the_threshold_are_refused(side) -> None:
    data = {**NAMED, "cluster": {"cluster": rule(signer_threshold=2)}}
    it = side(data)
    assert it.take([entry(2, it.head, drop=("signers/bob",))])


def test_a_dangerous_change_needs_its_signers(side) -> None:
    """On the node as in the driver: the same statement, the same signatures."""
    from gnt.config import consent
    from gnt.config.memory_state import FollowingState
    from gnt.config.trust import Position

    data = {**NAMED, "cluster": {"cluster": rule(signer_threshold=2)}}
    it = side(data)
    state = FollowingState()
    state.reset(data, Position())
    adds = (signer("eve", EVE, valid_until=2_000_000_000),
            Put(path="cluster/cluster", value=rule(signer_threshold=2, guard=1)))
    text = consent.statement(state, [f"signer eve {EVE.public} until 2000000000"])
    by_bob = signature.sign(text, BOB, consent.NAMESPACE)
    by_eve = signature.sign(text, EVE, consent.NAMESPACE)
    for wrong in ((), (by_eve,), (signature.sign(text, KEY, consent.NAMESPACE),)):
        assert it.take([entry(2, it.head, put=adds, consent=wrong)])
    bent = (adds[0], Put(path="cluster/cluster", value=rule(signer_threshold=2, guard=2)))
    assert it.take([entry(2, it.head, put=bent, consent=(by_bob,))])
    assert it.take([entry(2, it.head, put=adds[:1], consent=(by_bob,))])
    assert it.take([good := entry(2, it.head, put=adds, consent=(by_bob,))]) == ""
    again = Put(path="cluster/cluster", value=rule(signer_threshold=2, guard=2))
    longer = (signer("bob", EVE), again)
    assert it.take([entry(3, good.hash, put=longer, consent=(by_bob,))])


def test_a_threshold_hidden_in_other_values_counts_for_nothing(side) -> None:
    """What looks like a field inside a string or a table of another field is none."""
    data = {**NAMED, "cluster": {"cluster": rule(signer_threshold=2)}}
    it = side(data)
    bait = rule(guard=1, tags=[", signer_threshold = 2", "}, signer_threshold = 2, guard = 1"],
                osparams={"x": {"signer_threshold": "2"}})
    assert it.take([entry(2, it.head, put=(Put(path="cluster/cluster", value=bait),))])


def test_what_a_job_plans_is_not_done_yet(side) -> None:
    """Paths and values within a job's record are no puts of their own."""
    it = side()
    plan = {"end": [{"path": "cluster/cluster", "old": {}, "new": {"uuid": "another"}},
                    {"path": "signers/Bob", "put": {"name": "x", "key": EVE.public}}]}
    job = Put(path="jobs/2", value={"id": "2", "plan": plan})
    renamed = Put(path="cluster/cluster", value=rule(cluster_name="other", hvparams={"kvm": {}}))
    first = entry(2, it.head, put=(job, renamed))
    assert it.take([first]) == ""
    assert "may" in it.take([entry(3, first.hash, EVE)])


def test_a_hundred_signers_may_follow_one_another(side) -> None:
    """Each adds the next and is removed by it; the chain leads from the first to the last."""
    keys = [KEY, *(make_key(number) for number in range(10, 110))]
    data = first_data({"s0": KEY.public})
    it = side(data)
    prev, records = it.head, []
    for number, (old, new) in enumerate(itertools.pairwise(keys), start=1):
        records.append(entry(2 * number, prev, old, put=(signer(f"s{number}", new),), time=5.0))
        records.append(entry(2 * number + 1, records[-1].hash, new,
                             put=(Put(path=f"nodes/y{number}", value={"name": f"y{number}"}),),
                             drop=(f"signers/s{number - 1}",), time=5.0))
        prev = records[-1].hash
    assert it.take(records) == ""
    assert "may" in it.take([entry(202, prev, keys[0])])
    assert it.take([entry(202, prev, keys[100])]) == ""
