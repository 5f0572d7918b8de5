"""Appends that say how long the journal is, so that a shell can be quick: as safe as others."""

import os

from chains import bytes_of, follow, head_after, make_entry
from places import FIRST, Place, append, install, sized
from shells import Shells

from gnt.config import message as m
from gnt.config.remote import Dialect


def test_a_quick_append_of_a_new_term_raises_it_too(place):
    candidate = place.driver()
    install(candidate)
    first, second = follow(FIRST.hash, 2, 2, term=2)
    assert candidate.answer(sized(FIRST, first, 0, term=2)).status == m.OK
    assert place.file("../term") == b"2\n"
    os.unlink(place.disk.path("../term"))
    length = len(first.record)
    assert candidate.answer(sized(head_after(first, term=2), second, length,
                                  term=2)).status == m.OK
    assert place.file("../term") == b"2\n"


def test_an_append_that_knows_the_size(place):
    candidate = place.driver()
    install(candidate)
    first, second = follow(FIRST.hash, 2, 2)
    assert candidate.answer(sized(FIRST, first, 0)).status == m.OK
    length = len(first.record)
    learn = m.Learn(head=head_after(first), by=1, after=FIRST, size=length)
    assert candidate.answer(learn).status == m.OK
    assert candidate.answer(sized(head_after(first), second, length)).status == m.OK
    assert place.file("journal-1.toml") == bytes_of([first, second])
    assert place.file("head").decode() == head_after(first).line + "\n"


def test_a_wrong_size_is_looked_at_closer(place):
    candidate = place.driver()
    install(candidate)
    first, second = follow(FIRST.hash, 2, 2)
    lost = make_entry(2, FIRST.hash, note="lost")
    append(candidate, FIRST, [lost])
    assert candidate.answer(sized(FIRST, first, 0)).status == m.OK
    assert place.file("journal-1.toml") == first.record
    assert candidate.answer(sized(head_after(first), second, 7)).status == m.OK
    assert place.file("journal-1.toml") == bytes_of([first, second])


def test_a_quick_append_refuses_what_a_careful_one_refuses(place):
    candidate = place.driver()
    install(candidate, turn=5)
    first, second = follow(FIRST.hash, 2, 2)
    assert candidate.answer(sized(FIRST, first, 0, turn=4)).status == m.REFUSED
    wrong = sized(FIRST, first, 0, turn=5, records=first.record.replace(b"x2", b"x3"))
    assert candidate.answer(wrong).status == m.DAMAGED
    assert candidate.answer(sized(FIRST, second, 0, turn=5)).status == m.DAMAGED
    candidate.answer(m.Fence(term=2))
    assert candidate.answer(sized(FIRST, first, 0, turn=5)).status == m.REFUSED
    learn = m.Learn(head=head_after(first), by=1, after=FIRST, size=0)
    assert candidate.answer(learn).status == m.REFUSED
    assert not place.file("journal-1.toml")


def test_a_candidate_that_missed_a_failover_is_quick_again(tmp_path):
    """Its newest turn is of an older term: else it cost each commit a round trip from then on,
    and a whole deadline when another candidate was dead."""
    place = Place("remote", tmp_path)
    install(place.driver(), turn=5)
    (first,) = follow(FIRST.hash, 2, 1, term=2)
    older = sized(FIRST, first, 0, term=1, turn=4)
    newer = sized(FIRST, first, 0, term=2, turn=4)
    (tmp_path / "gnt" / "term").write_text("2\n")
    shells = Shells(str(tmp_path))
    quick = Dialect(place.disk.directory, 20).quick
    said = [shells.frames({"n1": quick(message)}, deadline=10)["n1"].status
            for message in (older, newer)]
    shells.close()
    place.close()
    assert said == [m.NOT_SIMPLE, m.OK]
    assert place.file("journal-1.toml") == first.record
