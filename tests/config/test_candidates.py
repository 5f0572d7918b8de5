"""One suite for both candidates: Python on this machine, and shell functions in a kept ``sh``."""

import os

import pytest
from chains import bytes_of, follow, head_after, make_entry
from places import BASE, FIRST, append, commit, install, standing

from gnt.config import message as m


def test_nothing_is_installed_yet(place):
    answer = place.driver().answer(m.Fetch())
    assert answer.status == m.OK
    assert answer.head.serial == 0
    assert answer.parts == ()


def test_installs_and_tells_everything(place):
    entries = follow(FIRST.hash, 2, 3)
    candidate = place.driver()
    assert install(candidate, entries).status == m.OK
    answer = candidate.answer(m.Fetch())
    assert answer.head == head_after(entries[-1])
    assert [(p.kind, p.number, p.data) for p in answer.parts] == [
        ("base", 1, BASE), ("journal", 1, bytes_of(entries))]
    assert standing(candidate).tail == (4, entries[-1].hash)


def test_tells_only_what_follows(place):
    entries = follow(FIRST.hash, 2, 3)
    candidate = place.driver()
    install(candidate, entries)
    known = len(entries[0].record)
    answer = candidate.answer(m.Fetch(base=1, offset=known))
    assert [(p.kind, p.offset, p.data) for p in answer.parts] == [
        ("journal", known, bytes_of(entries[1:]))]


def test_appends_without_committing(place):
    candidate = place.driver()
    install(candidate)
    (entry,) = follow(FIRST.hash, 2, 1)
    answer = append(candidate, FIRST, [entry])
    assert (answer.status, answer.head) == (m.OK, FIRST)
    assert standing(candidate).tail == (2, entry.hash)


def test_repeating_an_append_changes_nothing(place):
    candidate = place.driver()
    install(candidate)
    entries = follow(FIRST.hash, 2, 1)
    append(candidate, FIRST, entries)
    before = place.file("journal-1.toml")
    assert append(candidate, FIRST, entries).status == m.OK
    assert place.file("journal-1.toml") == before


def test_learns_what_is_committed(place):
    candidate = place.driver()
    install(candidate)
    first, second = follow(FIRST.hash, 2, 2)
    append(candidate, FIRST, [first])
    assert candidate.answer(m.Learn(head=head_after(first), by=1)).head == head_after(first)
    assert append(candidate, head_after(first), [second]).status == m.OK
    assert candidate.answer(m.Learn(head=head_after(second), by=1)).head.serial == 3


def test_the_next_record_tells_the_head_too(place):
    candidate = place.driver()
    install(candidate)
    first, second = follow(FIRST.hash, 2, 2)
    append(candidate, FIRST, [first])
    assert append(candidate, head_after(first), [second]).head == head_after(first)


def test_cuts_what_was_not_committed(place):
    candidate = place.driver()
    install(candidate)
    lost = make_entry(2, FIRST.hash, turn=1, note="lost")
    kept = make_entry(2, FIRST.hash, turn=2)
    append(candidate, FIRST, [lost])
    assert append(candidate, FIRST, [kept], turn=2).status == m.OK
    assert place.file("journal-1.toml") == kept.record


def test_never_cuts_what_is_committed(place):
    candidate = place.driver()
    first = follow(FIRST.hash, 2, 1)
    install(candidate, first)
    other = make_entry(2, FIRST.hash, turn=9)
    assert append(candidate, FIRST, [other], turn=9).status == m.BEHIND
    assert place.file("journal-1.toml") == bytes_of(first)


def test_a_torn_tail_is_cut(place):
    candidate = place.driver()
    first, second = follow(FIRST.hash, 2, 2)
    install(candidate, [first])
    with open(place.disk.path("journal-1.toml"), "ab") as file:
        file.write(second.record[:-1])
    assert append(candidate, head_after(first), [second]).status == m.OK
    assert place.file("journal-1.toml") == bytes_of([first, second])


def test_refuses_records_that_are_no_chain(place):
    candidate = place.driver()
    install(candidate)
    first, second, third = follow(FIRST.hash, 2, 3)
    assert append(candidate, FIRST, [first, third]).status == m.DAMAGED
    broken = m.Append(term=1, turn=1, after=FIRST, serial=2, hash=first.hash,
                      records=first.record.replace(b"x2", b"x3"))
    assert candidate.answer(broken).status == m.DAMAGED
    torn = m.Append(term=1, turn=1, after=FIRST, serial=3, hash=second.hash,
                    records=bytes_of([first, second])[:-1])
    assert candidate.answer(torn).status == m.DAMAGED
    assert candidate.answer(torn.replace(serial=2, hash=first.hash)).status == m.DAMAGED
    assert not place.file("journal-1.toml")
    assert append(candidate, FIRST, [first, second]).status == m.OK
    nothing = m.Append(term=1, turn=1, after=head_after(first), serial=2, hash=first.hash,
                       records=b"")
    assert candidate.answer(nothing).status == m.OK  # which cuts what is not committed
    assert place.file("journal-1.toml") == first.record


def test_a_head_whose_record_is_not_here_is_not_learned(place):
    candidate = place.driver()
    first, second, third = follow(FIRST.hash, 2, 3)
    install(candidate, [first])
    assert append(candidate, head_after(first), [second]).status == m.OK
    for head in (head_after(third), head_after(second).replace(hash="f" * 64)):
        assert candidate.answer(m.Learn(head=head, by=1)).status == m.BEHIND
    assert standing(candidate).head == head_after(first)
    assert candidate.answer(m.Learn(head=head_after(second), by=1)).status == m.OK
    assert standing(candidate).head == head_after(second)


def test_another_head_of_the_same_serial_is_not_learned(place):
    candidate = place.driver()
    (entry,) = follow(FIRST.hash, 2, 1)
    install(candidate, [entry])
    other = head_after(entry).replace(hash="f" * 64)
    assert candidate.answer(m.Learn(head=other, by=1)).status == m.OK
    assert standing(candidate).head == head_after(entry)


def test_a_candidate_that_was_away_says_where_it_is(place):
    candidate = place.driver()
    install(candidate)
    entries = follow(FIRST.hash, 2, 4)
    answer = append(candidate, head_after(entries[2]), entries[3:])
    assert answer.status == m.BEHIND
    assert standing(candidate).tail == (1, FIRST.hash)
    assert append(candidate, FIRST, entries).status == m.OK


@pytest.mark.parametrize("name", ["head", "turn", "../term"])
def test_damaged_small_files_are_reported(place, name):
    candidate = place.driver()
    install(candidate)
    candidate.answer(m.Fence(term=1))
    with open(place.disk.path(name), "w") as file:
        file.write("1 x1 \n")
    assert append(candidate, FIRST, follow(FIRST.hash, 2, 1)).status == m.DAMAGED


def test_a_head_that_is_not_in_the_journal_is_reported(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    with open(place.disk.path("journal-1.toml"), "wb") as file:
        file.write(entries[0].record)
    assert append(candidate, head_after(entries[1]), follow(entries[1].hash, 4, 1)).status == (
        m.DAMAGED)


def test_a_record_with_any_text_arrives_as_it_is(place):
    candidate = place.driver()
    install(candidate)
    nasty = make_entry(2, FIRST.hash, turn=2,
                       reason="it's \"$(reboot)\" `x` \\n \n[txn.9]\nsig = \"\n\n % é \x7f")
    turn = candidate.answer(m.Take(term=1, asked=(0, 0))).turn
    assert commit(candidate, FIRST, [nasty], turn).status == m.OK
    assert place.file("journal-1.toml") == nasty.record


def test_files_are_for_their_owner_only(place):
    candidate = place.driver()
    install(candidate)
    candidate.answer(m.Take(term=1, asked=(0, 0)))
    modes = {os.stat(place.disk.path(n)).st_mode & 0o077 for n in place.disk.names()}
    assert modes == {0}
    assert {os.stat(place.disk.path(n)).st_mode & 0o777 for n in place.disk.names()} == {0o600}
