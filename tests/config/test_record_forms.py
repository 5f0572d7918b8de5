"""Bases, records and heads of every wrong form: one thing wrong at a time, and it is said."""

from __future__ import annotations

import mmap

import pytest
from chains import first_data, make_base, make_entry

from gnt.config import base as bases
from gnt.config import canon, journal, message, signature
from gnt.config.journal import Entry, Txn
from gnt.errors import Damaged


@pytest.mark.parametrize(("old", "new", "said"), [
    (b"\nformat = 1\n", b"\nformat = 2\n", "format 2 is not known"),
    (b"[groups.", b"[stars.", "no kind of object 'stars'"),
    (b"[cluster]\n", b"[cluster.x]\n", None),
    (b"[base]\n", b"[basement]\n", "base.format: missing"),
    (b"[signature]", b"[signatory]", "does not end with a signature"),
])
def test_a_base_of_another_form(old, new, said):
    data = make_base()
    assert old in data
    changed = data.replace(old, new, 1)
    if said is None:
        assert bases.parse(changed, "b").data["cluster"]["cluster"]["x"]
        return
    with pytest.raises(Damaged, match=said):
        bases.parse(changed, "b")


@pytest.mark.parametrize(("text", "said"), [
    ("groups = 1\n[cluster]\nuuid = \"c\"\n", "groups does not hold objects"),
    ("[groups]\na = 1\n[cluster]\nuuid = \"c\"\n", "groups does not hold objects"),
    ("", "has no cluster"), ("cluster = 1\n", "cluster does not hold objects"),
])
def test_a_base_whose_sections_are_none(text, said):
    header = "[base]\nformat = 1\nserial = 1\nterm = 1\nturn = 1\ntime = 1.0\nwho = \"x\"\n"
    body = f"{text if text.startswith(('groups =', 'cluster =')) else ''}{header}"
    body += "" if body.startswith(text) and text else text
    with pytest.raises(Damaged, match=said):
        bases.parse(bases.signed(body.encode(), "A"), "b")


def test_a_base_with_letters_that_are_none_is_damaged():
    torn = bases.parse(make_base().replace(b'sig = "', b'sig = "\xff'), "b")
    with pytest.raises(Damaged, match="bad signature"):
        signature.verify(torn.body, torn.signature, "b")
    with pytest.raises(Damaged, match="base: text that is not Unicode"):
        make_base({**first_data(), "groups": {"g": {"name": "\ud800"}}})


def test_what_objects_are_called_does_not_move_the_beginning_of_a_journal():
    data = first_data()
    data["groups"]["g1"]["head"] = "a" * 64
    base = make_base(data)
    assert bases.start(base) == bases.parse(base, "b").head != "a" * 64


def test_a_base_is_bounded(tmp_path):
    with open(tmp_path / "big", "wb") as file:
        file.truncate(canon.MAX_DOCUMENT + 1)
    with open(tmp_path / "big", "rb") as file, mmap.mmap(
            file.fileno(), 0, prot=mmap.PROT_READ) as big:  # like bytes, without the memory
        for read in (bases.parse, canon.read):
            with pytest.raises(Damaged, match="more than the"):
                read(big, "b")


def test_where_the_journal_of_a_base_begins():
    assert bases.start(make_base()) == bases.parse(make_base(), "x").head
    assert bases.start(make_base(head="a" * 64)) == "a" * 64 == bases.parse(
        make_base(head="a" * 64), "x").head
    assert first_data()["cluster"]["cluster"]["uuid"] in make_base().decode()


def test_records_are_bounded():
    txn = Txn(term=1, turn=1, prev="a" * 64, time=1.0, who="x", operation="y")
    fits = journal.MAX_RECORD - len(journal.body(2, txn)) - len('note = ""\n')
    assert len(journal.body(2, txn.replace(note="x" * fits))) == journal.MAX_RECORD
    with pytest.raises(Damaged, match="more than the") as caught:
        journal.body(2, txn.replace(note="x" * (fits + 1)))
    assert caught.value.hint
    long = b'[txn.2]\nnote = "' + b"x" * journal.MAX_RECORD + b'"\nsig = "A"\n\n'
    with pytest.raises(Damaged, match="byte 0: a record of"):
        journal.split(long, "j")


def test_serials_are_bounded_and_letters_that_are_none_are_damage():
    longest = make_entry(10**18 - 1, "a" * 64)
    (entry,), _ = journal.split(longest.record, "j")
    assert (entry.serial, journal.first_prev(entry.body)) == (10**18 - 1, "a" * 64)
    torn = longest.record.replace(b'sig = "', b'sig = "\xff').replace(b'prev = "', b'prev = "\xff')
    (entry,), _ = journal.split(torn, "j")
    assert journal.first_prev(entry.body).startswith("\ufffda")
    with pytest.raises(Damaged, match="bad signature"):
        signature.verify(entry.body, entry.signature, "j")


def test_a_record_that_is_only_a_signature_is_damage():
    with pytest.raises(Damaged, match="does not begin with"):
        journal.split(b'\nsig = "A"\n\n', "j")


def test_a_journal_may_be_longer_than_its_longest_record():
    data = b"".join(make_entry(serial, "a" * 64, note="x" * (journal.MAX_RECORD * 2 // 5)).record
                    for serial in range(2, 6))
    entries, end = journal.split(data, "j")
    assert ([entry.serial for entry in entries], end) == ([2, 3, 4, 5], len(data))


def test_hashes_and_heads_are_strict():
    digest = "0123456789abcdef" * 4
    assert message.read_hash(digest) == digest
    for text in (digest[:-1], digest + "0", digest[:-1] + "g", digest.upper(), ""):
        with pytest.raises(ValueError, match="is not a hash"):
            message.read_hash(text)
    assert message.read_head(f"2 3 {digest} 1\n") == message.Head(term=2, serial=3, hash=digest,
                                                                  base=1)
    assert message.read_head("0 0  0") == message.Head()
    for line in ("1 1  1", "0 0 x 0", f"1 1 {digest}", f"1 1 {digest} 1 1", f"-1 1 {digest} 1"):
        with pytest.raises(ValueError, match=r"not|unpack"):
            message.read_head(line)


@pytest.mark.parametrize("first", [
    b"[txn.]", b"[txn.x]", b"[txm.2]", b"[txn.2", b"[txn." + b"1" * 19 + b"]", b"",
])
def test_records_begin_with_their_serial(first):
    with pytest.raises(Damaged, match="begin with"):
        journal.split(first + b'\nterm = 1\nsig = "A"\n\n', "j")


@pytest.mark.parametrize("body", [
    b"[txn.3]\n", b"a = 1\n[txn.2]\n", b"[[txn]]\n", b"txn = 2\n", b"[txn.2]\n[txn.3]\n", b"",
])
def test_a_record_holds_one_transaction(body):
    with pytest.raises(Damaged, match="more than the transaction 2"):
        journal.parse(Entry(serial=2, body=body, signature=""), "j")


def test_a_torn_tail_is_left_over():
    whole = b'[txn.2]\nterm = 1\nsig = "A"\n\n'
    for end in range(1, len(whole)):
        assert journal.split(whole + whole[:end], "j")[1] == len(whole)
    assert journal.first_prev(b"") == ""
    assert journal.first_prev(b'[txn.2]\nprev = "' + b"a" * 64 + b'"\n') == "a" * 64
