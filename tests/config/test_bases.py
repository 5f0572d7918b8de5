"""Bases at one candidate of either kind: what is kept of the past, and what is forgotten."""

from chains import follow, head_after, make_base
from places import BASE, FIRST, install

from gnt.config import message as m


def test_a_new_base_keeps_the_old_one(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    compact = make_base(serial=3, head=entries[-1].hash, previous=1)
    head = head_after(entries[-1], base=3)
    answer = candidate.answer(m.Install(term=1, turn=2, head=head, start=head.hash, base=compact))
    assert (answer.status, answer.head) == (m.OK, head)
    fetched = candidate.answer(m.Fetch(base=1, offset=len(entries[0].record)))
    assert [(p.kind, p.number, p.data) for p in fetched.parts] == [
        ("journal", 1, entries[1].record), ("base", 3, compact), ("journal", 3, b"")]


def test_old_bases_are_forgotten_but_never_the_last_two(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 3)
    install(candidate, entries[:1])
    for entry, previous in ((entries[0], 1), (entries[1], 2), (entries[2], 3)):
        compact = make_base(serial=entry.serial, head=entry.hash, previous=previous)
        head = head_after(entry, base=entry.serial)
        candidate.answer(m.Install(term=1, turn=2, head=head, start=head.hash, base=compact))
    assert candidate.answer(m.Prune(kib=0)).status == m.OK
    kept = [n for n in place.disk.names() if n.startswith("base-")]
    assert kept == ["base-3.toml", "base-4.toml"]


def test_the_past_is_kept_until_it_is_forgotten(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 1)
    install(candidate, entries)
    parts = candidate.answer(m.Past(number=1)).parts
    assert [(p.kind, p.number, p.data) for p in parts] == [
        ("base", 1, BASE), ("journal", 1, entries[0].record)]
    assert candidate.answer(m.Past(number=7)).parts == ()
