"""What happens to a candidate in between: a restored memory, a task, a process that died."""

from __future__ import annotations

import threading

import pytest
from chains import follow
from places import BASE, FIRST, append, commit, install

from gnt.config import message as m
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import Disk


def test_a_turn_whose_memory_was_restored_from_a_backup_is_none(tmp_path):
    candidate = LocalCandidate(Disk(str(tmp_path / "config")))  # a shell keeps the lock instead
    install(candidate, turn=3)
    turn = candidate.answer(m.Take(term=1, asked=(0, 0))).turn
    candidate.disk.replace("turn", b"1 2\n")
    entries = follow(FIRST.hash, 2, 1, turn=turn[1])
    assert commit(candidate, FIRST, entries, turn).status == m.NO_TURN
    assert not candidate.disk.read("journal-1.toml")


def test_turns_go_on_from_the_journal_when_their_memory_was_restored(place):
    candidate = place.driver()
    install(candidate, turn=3)
    assert append(candidate, FIRST, follow(FIRST.hash, 2, 1, turn=5), turn=5).status == m.OK
    place.disk.replace("turn", b"1 2\n")
    assert place.driver().answer(m.Take(term=1, asked=(0, 0))).turn == (1, 6)


def test_a_turn_on_a_candidate_that_holds_nothing(place):
    taken = place.driver().answer(m.Take(term=1, asked=(0, 0)))
    assert (taken.status, taken.head, taken.turn, taken.parts) == (m.OK, m.Head(), (1, 1), ())


def test_the_first_turn_of_a_cluster_is_one(place):
    candidate = place.driver()
    install(candidate, turn=0)
    assert candidate.answer(m.Take(term=1, asked=(0, 0))).turn == (1, 1)


def test_a_base_that_begins_elsewhere_than_it_says_is_not_installed(place):
    candidate = place.driver()
    message = m.Install(term=1, turn=1, head=FIRST, start="f" * 64, base=BASE)
    assert candidate.answer(message).status == m.DAMAGED
    assert place.file("head") is None and place.file("base-1.toml") is None


def test_a_candidate_waits_for_the_turn_of_another(place):
    one, other = place.driver(), place.driver()
    install(one)
    taken = one.answer(m.Take(term=1, asked=(0, 0)))
    later = threading.Timer(0.05, one.answer, [m.Release()])
    later.start()
    assert other.answer(m.Take(term=1, asked=(0, 0), wait=20)).turn == (1, taken.turn[1] + 1)
    later.join()


def test_the_turn_of_a_process_that_died_is_over(tmp_path):
    disk = Disk(str(tmp_path / "config"))
    candidate = LocalCandidate(disk)
    install(candidate)
    dead = disk.begin_lease(1, 100)
    assert candidate.answer(m.Take(term=1, asked=(0, 0), wait=0)).status == m.BUSY
    disk.unlock(dead)  # what the system does for it
    assert candidate.answer(m.Take(term=1, asked=(0, 0), wait=0)).turn == (1, 2)


class Raised(Disk):
    """A task raises the node's term just before this process gets the lock for it."""

    to = ""

    def lock_term(self):
        if self.to:
            self.replace("../term", f"{self.to}\n".encode())
        return super().lock_term()


@pytest.mark.parametrize(("to", "status"), [("2", m.OK), ("3", m.REFUSED)])
def test_a_term_that_a_task_raises_meanwhile(tmp_path, to, status):
    candidate = LocalCandidate(Raised(str(tmp_path / "config")))
    install(candidate)
    candidate.disk.to = to
    found = append(candidate, FIRST, follow(FIRST.hash, 2, 1, term=2), term=2)
    assert (found.status, found.fence) == (status, int(to))
    assert candidate.disk.read("../term") == f"{to}\n".encode()
