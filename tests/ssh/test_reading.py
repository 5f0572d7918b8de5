"""One thread reads for connections that rest, and hands them back."""

from __future__ import annotations

import os
import threading

import pytest

from gnt.ssh.reading import Reader

from .conftest import until


class Pipe:
    """A source that takes words; at ``mine`` its own thread has to look."""

    def __init__(self) -> None:
        self.source, self.sink = os.pipe()
        os.set_blocking(self.source, False)
        self.heard: list[bytes] = []
        self.turn = threading.Event()

    def fileno(self) -> int:
        return self.source

    def pump(self) -> bool:
        self.heard.append(os.read(self.source, 100))
        return self.heard[-1] not in (b"mine", b"")

    def pass_on(self) -> None:
        self.turn.set()

    def say(self, word: bytes) -> None:
        os.write(self.sink, word)


@pytest.fixture
def pipes():
    made = [Pipe() for _ in range(3)]
    yield made
    for pipe in made:
        os.close(pipe.sink)
        os.close(pipe.source)


def test_it_reads_for_all_that_rest(pipes):
    reader = Reader()
    for pipe in pipes:
        reader.watch(pipe)
    for pipe in pipes:
        pipe.say(b"word")
    until(lambda: all(pipe.heard == [b"word"] for pipe in pipes))
    assert not any(pipe.turn.is_set() for pipe in pipes)
    for pipe in pipes:
        reader.recall(pipe)


def test_what_is_not_for_it_goes_to_the_own_thread(pipes):
    reader, (first, second, _) = Reader(), pipes
    reader.watch(first)
    reader.watch(second)
    first.say(b"mine")
    assert first.turn.wait(10)
    first.say(b"nobody reads this")
    second.say(b"word")
    until(lambda: second.heard == [b"word"])
    assert first.heard == [b"mine"]
    reader.watch(first)
    until(lambda: first.heard == [b"mine", b"nobody reads this"])
    reader.recall(first)
    reader.recall(second)


def test_recalling_wakes_the_own_thread_once(pipes):
    reader, pipe = Reader(), pipes[0]
    reader.recall(pipe)
    assert not pipe.turn.is_set()
    reader.watch(pipe)
    reader.recall(pipe)
    assert pipe.turn.is_set()
    pipe.turn.clear()
    reader.recall(pipe)
    assert not pipe.turn.is_set()


def test_what_was_closed_is_handed_back(pipes):
    reader, pipe = Reader(), Pipe()
    os.close(pipe.source)
    os.close(pipe.sink)
    reader.watch(pipe)
    assert pipe.turn.is_set()


def test_a_forked_process_has_a_reader_of_its_own(pipes):
    reader, (here, there, _) = Reader(), pipes
    reader.watch(here)
    child = os.fork()
    if not child:
        try:
            reader.forget()
            reader.watch(there)
            until(lambda: there.heard == [b"word"])
            os._exit(0)
        finally:
            os._exit(1)
    there.say(b"word")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    here.say(b"word")
    until(lambda: here.heard == [b"word"])
    reader.recall(here)
