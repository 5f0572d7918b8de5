"""One suite for both candidates: Python on this machine, and shell functions in a kept ``sh``."""

import os

import pytest
from chains import bytes_of, first_head, follow, head_after, make_base, make_entry
from shells import Shells

from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import Disk
from gnt.config.remote import Dialect, RemoteCandidate, RemotePeers

BASE = make_base()
FIRST = first_head(BASE)


class Place:
    """A directory with as many candidates of one kind on it as a test asks for."""

    def __init__(self, kind, path):
        self.kind = kind
        self.disk = Disk(str(path / "gnt" / "config"))
        self.path = path
        self.open = []

    def driver(self, lease=20):
        """A candidate as one driver sees it: its own shell, or its own process state."""
        if self.kind == "local":
            return LocalCandidate(self.disk)
        scratch = self.path / f"scratch{len(self.open)}"
        scratch.mkdir()
        shells = Shells(str(scratch))
        self.open.append(shells)
        peers = RemotePeers(shells, dialect=Dialect(self.disk.directory, lease))
        return RemoteCandidate(peers, "n1")

    def file(self, name):
        return self.disk.read(name)

    def close(self):
        for shells in self.open:
            shells.close()


@pytest.fixture(params=["local", "remote"])
def place(request, tmp_path):
    made = Place(request.param, tmp_path)
    yield made
    made.close()


def install(candidate, entries=(), term=1, turn=1, base=BASE):
    head = head_after(entries[-1]) if entries else FIRST
    return candidate.answer(m.Install(term=term, turn=turn, head=head, start=FIRST.hash, base=base,
                                      journal=bytes_of(entries)))


def append(candidate, after, entries, term=1, turn=1, kind=m.Append):
    return candidate.answer(kind(term=term, turn=turn, after=after, serial=entries[-1].serial,
                                 hash=entries[-1].hash, records=bytes_of(entries)))


def commit(candidate, after, entries, turn):
    return append(candidate, after, entries, turn[0], turn[1], m.Commit)


def standing(candidate):
    return candidate.answer(m.Fetch(offset=m.STANDING_ONLY))


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
    assert candidate.answer(m.Take(term=1)).status == m.REFUSED
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
    assert candidate.answer(m.Take(term=4)).status == m.OK
    assert place.file("../term") == b"4\n"
    other = head_after(entry, term=2)
    late = m.Install(term=3, turn=9, head=other, start=FIRST.hash, base=BASE, journal=entry.record)
    assert candidate.answer(late).status == m.REFUSED
    assert candidate.answer(late.replace(term=5)).status == m.OK
    assert place.file("../term") == b"5\n"


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
    assert not place.file("journal-1.toml")


def test_a_candidate_that_was_away_says_where_it_is(place):
    candidate = place.driver()
    install(candidate)
    entries = follow(FIRST.hash, 2, 4)
    answer = append(candidate, head_after(entries[2]), entries[3:])
    assert answer.status == m.BEHIND
    assert standing(candidate).tail == (1, FIRST.hash)
    assert append(candidate, FIRST, entries).status == m.OK


def test_commits_in_its_turn(place):
    candidate = place.driver()
    install(candidate)
    taken = candidate.answer(m.Take(term=1, base=1))
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
        turns.append(candidate.answer(m.Take(term=1)).turn)
        candidate.answer(m.Release())
    assert turns == [(1, 8), (1, 9), (1, 10)]


def test_one_turn_at_a_time(place):
    one, other = place.driver(), place.driver()
    install(one)
    assert one.answer(m.Take(term=1)).status == m.OK
    assert other.answer(m.Take(term=1, wait=0)).status == m.BUSY
    one.answer(m.Release())
    assert other.answer(m.Take(term=1, wait=0)).status == m.OK


def test_a_turn_shows_what_was_missed(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    taken = candidate.answer(m.Take(term=1, base=1, offset=len(entries[0].record)))
    assert taken.head == head_after(entries[1])
    assert [p.data for p in taken.parts] == [entries[1].record]


def test_a_commit_after_the_head_moved_is_refused(place):
    candidate = place.driver()
    first = follow(FIRST.hash, 2, 1)
    install(candidate, first)
    turn = candidate.answer(m.Take(term=1)).turn
    answer = commit(candidate, FIRST, [make_entry(2, FIRST.hash, turn=turn[1])], turn)
    assert answer.status == m.MOVED
    assert answer.head == head_after(first[0])


def test_an_install_never_goes_back(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 2)
    install(candidate, entries)
    assert install(candidate, entries[:1]).status == m.REFUSED
    other = follow(FIRST.hash, 2, 2, note="other")
    assert install(candidate, other).status == m.DAMAGED
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
    turn = candidate.answer(m.Take(term=1)).turn
    assert commit(candidate, FIRST, [nasty], turn).status == m.OK
    assert place.file("journal-1.toml") == nasty.record


def test_files_are_for_their_owner_only(place):
    install(place.driver())
    modes = {os.stat(place.disk.path(n)).st_mode & 0o077 for n in place.disk.names()}
    assert modes == {0}


def test_a_turn_ends_by_itself(tmp_path):
    place = Place("remote", tmp_path)
    try:
        hanging, next_one = place.driver(lease=1), place.driver()
        install(hanging)
        turn = hanging.answer(m.Take(term=1)).turn
        assert next_one.answer(m.Take(term=1, wait=10)).turn == (1, turn[1] + 1)
        entry = make_entry(2, FIRST.hash, turn=turn[1])
        with pytest.raises(Exception, match="the shell ended"):
            commit(hanging, FIRST, [entry], turn)
        assert commit(hanging, FIRST, [entry], turn).status == m.NO_TURN
        assert not place.file("journal-1.toml")
    finally:
        place.close()


def sized(after, entry, size, **changes):
    """An append that says how long the journal is, so that a shell can be quick."""
    message = m.Append(term=1, turn=1, after=after, serial=entry.serial, hash=entry.hash,
                       records=entry.record, size=size)
    return message.replace(**changes)


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


def test_the_past_is_kept_until_it_is_forgotten(place):
    candidate = place.driver()
    entries = follow(FIRST.hash, 2, 1)
    install(candidate, entries)
    parts = candidate.answer(m.Past(number=1)).parts
    assert [(p.kind, p.number, p.data) for p in parts] == [
        ("base", 1, BASE), ("journal", 1, entries[0].record)]
    assert candidate.answer(m.Past(number=7)).parts == ()
