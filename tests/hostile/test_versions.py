"""Whole versions of a configuration: old ones, halves of two, endless ones, and news held back."""

from __future__ import annotations

import os

import pytest

from gnt.config import message as m
from gnt.config import signature
from gnt.config.journal import Entry, Put
from gnt.errors import Damaged
from tests.config.chains import KEY, first_data, make_base
from tests.hostile.candidates import BOB, EVE, NAMED, Driver, entry, signer

pytestmark = pytest.mark.later
ALL = os.environ.get("GNT_HOSTILE") == "all"


def large() -> bytes:
    """A base of 100 KB."""
    data = {**NAMED, "nodes": {**NAMED["nodes"], **{
        f"u{n}": {"uuid": f"u{n}", "name": f"node{n}", "primary_ip": "192.0.2.9",
                  "secondary_ip": "192.0.2.9", "group": "g1"} for n in range(910)}}}
    base = make_base(data)
    assert len(base) > 100_000
    return base


def test_a_large_base_cannot_be_cut_off(side) -> None:
    """With GNT_HOSTILE=all the driver's side is cut after every byte, which takes minutes."""
    base, it = large(), side()
    every = 1499 if type(it) is Driver else 12007
    if ALL:
        every = 1 if type(it) is Driver else 101
    for size in (*range(0, len(base) - 1, every), len(base) - 2, len(base) - 80):
        assert it.install(base[:size])


def test_nothing_can_be_put_after_a_base(side) -> None:
    base, it = make_base(NAMED), side()
    for more in (b"\n", b"x", b"[nodes.evil]\nname = \"evil\"\n", base):
        assert it.install(base + more)


def test_an_older_version_cannot_come_back(side) -> None:
    """Rollback: all that it holds was valid once."""
    it, base = side(), make_base(NAMED)
    first = entry(2, it.head)
    assert it.take([first, entry(3, first.hash)]) == ""
    assert "of term 1 is older than" in it.install(base, [first], term=2)
    assert it.install(base, [first])
    assert it.install(base)


def test_an_older_base_cannot_come_back(side) -> None:
    """The base of before the last compaction, as its signer made it."""
    it, now = side(), make_base(NAMED, serial=40, head="cd" * 32, previous=1)
    assert it.install(now, head="cd" * 32) == ""
    assert "is older than" in it.install(make_base(NAMED), term=2)


def test_another_history_of_the_same_serial_is_refused(side) -> None:
    it = side()
    assert it.take([entry(2, it.head)]) == ""
    other = entry(2, it.head, put=(Put(path="nodes/y", value={"name": "y"}),))
    assert it.take([other])


def test_halves_of_two_versions_are_refused(side) -> None:
    """The base of one and the records of the other: each is signed."""
    it, other = side(), make_base({**NAMED, "groups": {"g2": {"uuid": "g2", "name": "g2"}}})
    mine = entry(2, it.head)
    assert it.install(other, [mine])
    assert it.take([mine]) == ""


def test_a_version_with_a_record_left_out_is_refused(side) -> None:
    it = side()
    first = entry(2, it.head)
    assert it.install(make_base(NAMED), [first, entry(4, entry(3, first.hash).hash)])


def test_the_version_of_another_cluster_is_refused(side) -> None:
    """The same people rule it."""
    it, data = side(), {**NAMED, "cluster": {"cluster": {
        **NAMED["cluster"]["cluster"], "uuid": "7e8c1b1e-0000-4000-8000-000000000002"}}}
    assert "belongs to another cluster" in it.install(make_base(data), term=2)


def test_a_version_in_which_nobody_may_sign_is_refused(side) -> None:
    it = side()
    assert it.install(make_base({**NAMED, "signers": {}}), term=2)


def test_a_turn_cannot_go_back(side) -> None:
    it = side()
    first = entry(2, it.head, turn=8)
    assert it.take([first]) == ""
    assert it.take([entry(3, first.hash, turn=7)])


def test_a_signer_whose_right_ends_cannot_date_back(side) -> None:
    """Else it would never end: what counts is the date that the record gives."""
    it = side()
    first = entry(2, it.head, put=(signer("bob", BOB, valid_until=1_000_000),), time=900_000.0)
    assert it.take([first]) == ""
    late = entry(3, first.hash, time=2_000_000.0)
    assert it.take([late]) == ""
    assert it.take([entry(4, late.hash, BOB, time=999_999.0)])
    assert it.take([entry(4, late.hash, KEY, time=999_999.0)]) == ""


@pytest.mark.parametrize("size", [1 << 10, 5 << 20])
def test_endless_data_is_refused(side, size: int) -> None:
    """A record that never ends."""
    it = side()
    good = entry(2, it.head)
    assert it.take([good], good.record[:40] + b"x" * size)
    assert it.take([good]) == ""


def test_a_record_of_a_megabyte_is_believed(side) -> None:
    """What is refused is not just whatever is large."""
    it = side()
    assert it.take([entry(2, it.head, reason="R" * (1 << 20))]) == ""


def test_a_record_longer_than_readers_take_is_refused(side) -> None:
    """A signer could close the cluster by it for good."""
    it = side()
    body = entry(2, it.head, reason="R").body.replace(b'"R"', b'"' + b"R" * (5 << 20) + b'"')
    vast = Entry(serial=2, body=body, signature=signature.sign(body, KEY))
    assert it.take([vast])


def test_a_reader_from_whom_news_is_held_back_notices(tmp_path) -> None:
    """Freeze: who has seen a newer head, here or in another copy, takes no older one for it."""
    it = Driver(tmp_path, make_base(NAMED))
    first = entry(2, it.head)
    assert it.take([first]) == ""
    it.trusted.pin = it.trusted.pin.replace(term=1, serial=9)
    with pytest.raises(Damaged, match="older than one seen before"):
        it.trusted.seen(1, 2, "n1")
    it.trusted.seen(1, 9, "n1")


def test_a_candidate_from_whom_news_is_held_back_confirms_nothing(candidate) -> None:
    """Freeze: it has not seen what came between, says so, and counts for no majority."""
    first = entry(2, candidate.head)
    second = entry(3, first.hash)
    ahead = m.Head(term=1, serial=2, hash=first.hash, base=1)
    answer = candidate.ask(m.Append(term=1, turn=9, after=ahead, serial=3, hash=second.hash,
                                    records=second.record, size=len(first.record)))
    assert answer.status == m.BEHIND
    assert candidate.journal() == b""


def test_a_candidate_that_knows_of_a_newer_term_takes_nothing_of_the_old_one(candidate) -> None:
    """Freeze: whoever is kept on the old master cannot write past who has heard."""
    assert candidate.ask(m.Fence(term=2)).status == m.OK
    assert "term 2 has begun" in candidate.take([entry(2, candidate.head)])


def test_a_stranger_s_version_is_refused_whatever_its_term(side) -> None:
    """Nobody is believed for being newer."""
    it = side()
    data = first_data({"eve": EVE.public})
    assert it.install(make_base(data, key=EVE, serial=99, term=9, head="ab" * 32), term=9)


def test_a_version_by_a_removed_signer_is_refused(side) -> None:
    it = side()
    assert it.take([entry(2, it.head, drop=("signers/bob",))]) == ""
    newer = make_base(NAMED, key=BOB, serial=9, head="ab" * 32)
    assert it.install(newer, term=2)
