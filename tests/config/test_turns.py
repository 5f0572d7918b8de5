"""Turns and terms at one candidate of either kind: who may write, and who no longer."""

import pytest
from chains import bytes_of, follow, head_after, make_base, make_entry
from places import BASE, FIRST, Place, append, commit, install

from gnt.config import message as m


def test_refuses_a_turn_that_is_behind(place):
    candidate = place.driver()
    install(candidate)
    append(candidate, FIRST, [make_entry(2, FIRST.hash, turn=5)], turn=5)
    answer = append(candidate, FIRST, [make_entry(2, FIRST.hash, turn=4)], turn=4)
    assert answer.status == m.REFUSED


def test_refuses_a_term_that_is_over(place):
    candidate = place.driver()
    install(candidate)
    assert candidate.answer(m.Fence(term=2)).status == m.OK
    assert append(candidate, FIRST, follow(FIRST.hash, 2, 1)).status == m.REFUSED
    assert candidate.answer(m.Fence(term=2)).status == m.REFUSED
    assert candidate.answer(m.Take(term=1, asked=(0, 0))).status == m.REFUSED
    assert place.file("../term") == b"2\n"


def test_a_record_of_a_new_term_raises_the_term_of_the_node(place):
    """It missed the fence of the failover; its tasks must not obey the old master any longer."""
    candidate = place.driver()
    install(candidate)
    assert place.file("../term") == b"1\n"
    (entry,) = follow(FIRST.hash, 2, 1, term=2)
    assert append(candidate, FIRST, [entry], term=2, turn=1).status == m.OK
    assert place.file("../term") == b"2\n"
    assert candidate.answer(m.Learn(head=head_after(entry, term=2), by=3)).status == m.OK
    assert place.file("../term") == b"3\n"
    assert candidate.answer(m.Take(term=4, asked=(0, 0))).status == m.OK
    assert place.file("../term") == b"4\n"
    other = head_after(entry, term=2)
    late = m.Install(term=3, turn=9, head=other, start=FIRST.hash, base=BASE, journal=entry.record)
    assert candidate.answer(late).status == m.REFUSED
    assert candidate.answer(late.replace(term=5)).status == m.OK
    assert place.file("../term") == b"5\n"


def test_commits_in_its_turn(place):
    candidate = place.driver()
    install(candidate)
    taken = candidate.answer(m.Take(term=1, asked=(0, 0), base=1))
    assert taken.status == m.OK
    assert taken.turn == (1, 2)
    entry = make_entry(2, FIRST.hash, turn=2)
    answer = commit(candidate, FIRST, [entry], taken.turn)
    assert (answer.status, answer.head) == (m.OK, head_after(entry))
    assert commit(candidate, head_after(entry), follow(entry.hash, 3, 1), taken.turn).status == (
        m.NO_TURN)


def test_turns_only_grow(place):
    candidate = place.driver()
    install(candidate, turn=7)
    turns = []
    for _ in range(3):
        turns.append(candidate.answer(m.Take(term=1, asked=(0, 0))).turn)
        candidate.answer(m.Release())
    assert turns == [(1, 8), (1, 9), (1, 10)]


def test_one_turn_at_a_time(place):
    one, other = place.driver(), place.driver()
    install(one)
    assert one.answer(m.Take(term=1, asked=(0, 0))).status == m.OK
    assert other.answer(m.Take(term=1, asked=(0, 0), wait=0)).status == m.BUSY
    one.answer(m.Release())
    assert other.answer(m.Take(term=1, asked=(0, 0), wait=0)).status == m.OK


def test_a_turn_shows_what_was_missed(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    taken = candidate.answer(m.Take(term=1, asked=(0, 0), base=1, offset=len(entries[0].record)))
    assert taken.head == head_after(entries[1])
    assert [p.data for p in taken.parts] == [entries[1].record]


def test_a_commit_after_the_head_moved_is_refused(place):
    candidate = place.driver()
    first = follow(FIRST.hash, 2, 1)
    install(candidate, first)
    turn = candidate.answer(m.Take(term=1, asked=(0, 0))).turn
    answer = commit(candidate, FIRST, [make_entry(2, FIRST.hash, turn=turn[1])], turn)
    assert answer.status == m.MOVED
    assert answer.head == head_after(first[0])


def test_an_install_never_goes_back(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    assert install(candidate, entries[:1]).status == m.REFUSED
    other = follow(FIRST.hash, 2, 2, note="other")
    refused = install(candidate, other)
    assert refused.status == m.DAMAGED and place.file("journal-1.toml") == bytes_of(entries)
    fork = other[-1].hash
    newer = m.Install(term=1, turn=1, head=head_after(other[-1], base=3), start=fork,
                      base=make_base(serial=3, head=fork, previous=1))
    assert candidate.answer(newer).status == m.DAMAGED
    longer = other + follow(other[-1].hash, 4, 1)
    assert install(candidate, longer).status == m.DAMAGED
    assert place.file("journal-1.toml") == bytes_of(entries)


def test_an_install_that_is_late_spares_what_a_later_turn_has_appended(place):
    """It was acknowledged to that driver, and wiped out with the journal (seed 602631)."""
    candidate = place.driver()
    first, second = follow(FIRST.hash, 2, 2)
    install(candidate, [first], turn=2)
    staged = make_entry(3, first.hash, turn=5)
    assert append(candidate, head_after(first), [staged], turn=5).status == m.OK
    assert install(candidate, [first], turn=4).status == m.REFUSED
    assert place.file("journal-1.toml") == bytes_of([first, staged])
    assert install(candidate, [first], turn=6).status == m.OK
    assert place.file("journal-1.toml") == bytes_of([first])
    with open(place.disk.path("journal-1.toml"), "wb") as file:
        file.write(first.record[10:])
    assert install(candidate, [first, second], turn=7).status == m.OK


def test_a_later_term_overrules_a_fork(place):
    candidate = place.driver()
    install(candidate, follow(FIRST.hash, 2, 2))
    other = follow(FIRST.hash, 2, 1, term=2)
    head = head_after(other[-1], term=2)
    answer = candidate.answer(m.Install(term=2, turn=3, head=head, start=FIRST.hash, base=BASE,
                                        journal=bytes_of(other)))
    assert (answer.status, answer.head) == (m.OK, head)


def test_a_turn_ends_by_itself(tmp_path):
    place = Place("remote", tmp_path)
    try:
        hanging, next_one = place.driver(lease=1), place.driver()
        install(hanging)
        turn = hanging.answer(m.Take(term=1, asked=(0, 0))).turn
        assert next_one.answer(m.Take(term=1, asked=(0, 0), wait=10)).turn == (1, turn[1] + 1)
        entry = make_entry(2, FIRST.hash, turn=turn[1])
        with pytest.raises(Exception, match="the shell ended"):
            commit(hanging, FIRST, [entry], turn)
        assert commit(hanging, FIRST, [entry], turn).status == m.NO_TURN
        assert not place.file("journal-1.toml")
    finally:
        place.close()
