"""What many threads ask for at the same time is done at once, and each gets its own answer."""

from __future__ import annotations

import threading

import pytest

from gnt.engine.ports import Change
from gnt.engine.together import Crowd, Questions, Together, Wish
from gnt.errors import Conflict, NoMajority
from tests.engine.toys import Lab, look


class Slow:
    """A store of toys, whose first group waits until the test lets it go."""

    def __init__(self, lab):
        self.lab = lab
        self.groups, self.reads = [], 0
        self.entered, self.go = threading.Event(), threading.Event()
        self.broken = None

    def read(self):
        self.reads += 1
        return self.lab.disk.config()

    def commit_all(self, makes):
        self.groups.append(len(makes))
        self.entered.set()
        assert self.go.wait(20)
        if self.broken is not None:
            raise self.broken
        outcomes = []
        for make in makes:
            try:
                make(self.lab.disk.config())
                outcomes.append(self.lab.disk.config())
            except Conflict as error:
                outcomes.append(error)
        return outcomes

    def history(self, *, newest=None):
        return iter([{"serial": 9}, {"serial": 8}][:newest])

    def record_of(self, job):
        return f"record of {job}".encode(), b"signature"


class Threads:
    """Calls in threads of their own, and what came of them."""

    def __init__(self):
        self.results, self.threads = {}, []

    def start(self, name, function):
        def run():
            try:
                self.results[name] = function()
            except Exception as error:  # noqa: BLE001 - it is the result
                self.results[name] = error

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def nothing(_):
    return Change(edits=(), operation="toy")


def refused(_):
    raise Conflict("not this one")


def until(reached):
    for _ in range(2000):
        if reached():
            return
        threading.Event().wait(0.005)
    raise AssertionError("they do not come")


def waiting(together, count):
    """Return when so many have joined the next group."""
    until(lambda: len(together.crowd.waiting) == count)


def committing():
    """What waits for a store that is busy with its first group."""
    store = Slow(Lab())
    together, threads = Together(store, store.lab.desk().transport), Threads()
    threads.start("first", lambda: together.commit(nothing))
    assert store.entered.wait(20)
    return store, together, threads


def test_who_comes_while_a_group_is_committed_is_in_the_next_one():
    store, together, threads = committing()
    for number in range(5):
        threads.start(number, lambda: together.commit(nothing))
    threads.start("refused", lambda: together.commit(refused))
    threads.start("reader", together.read)
    waiting(together, 7)
    store.go.set()
    threads.join()
    assert store.groups == [1, 6]
    assert isinstance(threads.results["refused"], Conflict)
    assert {threads.results[n].serial for n in ("first", 0, 1, 2, 3, 4, "reader")} == {
        store.lab.disk.config().serial}
    assert store.reads == 0  # the state after the commits is as new as one that is read now


def test_readers_share_one_read_that_begins_after_they_came():
    lab = Lab()
    store = Slow(lab)
    store.go.set()
    together = Together(store, lab.desk().transport)
    threads, began, first = Threads(), threading.Event(), threading.Event()
    threads.start("first", lambda: together.crowd.join(
        Wish(look=lambda: (began.set(), first.wait(20)))))
    assert began.wait(20)
    for number in range(4):
        threads.start(number, together.read)
    waiting(together, 4)
    first.set()
    threads.join()
    assert store.reads == 1


def test_what_breaks_a_group_is_told_to_all_of_it():
    store, together, threads = committing()
    store.broken = NoMajority("nobody answers")
    threads.start("second", lambda: together.commit(nothing))
    threads.start("third", together.read)
    waiting(together, 2)
    store.go.set()
    threads.join()
    assert {type(outcome) for outcome in threads.results.values()} == {NoMajority}
    store.broken = None
    assert together.commit(nothing).serial == store.lab.disk.config().serial


class Asked:
    """A transport that counts what it is asked, and answers when the test lets it."""

    def __init__(self):
        self.calls, self.entered, self.go = [], threading.Event(), threading.Event()

    def know(self, nodes, term, *, ports=None):
        pass

    def ask(self, calls):
        self.calls.append(tuple(call.args["thing"] for call in calls))
        self.entered.set()
        assert self.go.wait(20)
        return {call.key: len(self.calls) for call in calls}


def present(questions, count):
    until(lambda: sum(len(crowd.waiting) for crowd, _ in questions.asking.values()) == count)


def test_the_same_questions_are_asked_once_for_all_who_come_before_they_are_sent():
    lab = Lab()
    shared, own = Asked(), Asked()
    own.go.set()
    questions, threads, cfg = Questions(shared), Threads(), lab.disk.config()
    same, other = [look.on("node1", "a")], [look.on("node1", "b")]
    threads.start("first", lambda: questions.ask(cfg, same, own))
    assert shared.entered.wait(20)
    for number in range(3):
        threads.start(number, lambda: questions.ask(cfg, same, own))
    present(questions, 3)
    assert questions.ask(cfg, other, own) == {other[0].key: 1}  # by a way of its own: nobody waits
    shared.go.set()
    threads.join()
    assert shared.calls == [("a",), ("a",)]
    assert own.calls == [("b",)]
    assert [threads.results[n][same[0].key] for n in ("first", 0, 1, 2)] == [1, 2, 2, 2]
    assert questions.asking == {}


def test_who_has_what_it_came_for_does_not_wait_for_the_next_group():
    store, together, threads = committing()
    store.entered.clear()
    threads.start("second", lambda: together.commit(nothing))
    waiting(together, 1)
    go, store.go = store.go, threading.Event()  # of the next group
    go.set()
    threads.threads[0].join(20)
    assert not threads.threads[0].is_alive()
    assert store.entered.wait(20)
    store.go.set()
    threads.join()


def test_the_history_is_read_in_turn_and_whole():
    store, together, threads = committing()
    threads.start("all", together.history)
    threads.start("newest", lambda: together.history(newest=1))
    waiting(together, 2)
    store.go.set()
    threads.join()
    assert threads.results["all"] == [{"serial": 9}, {"serial": 8}]
    assert threads.results["newest"] == [{"serial": 9}]
    assert store.reads == 0  # nobody wanted the state
    assert together.record_of("7") == (b"record of 7", b"signature")


class Told:
    """A transport that remembers which states it was told of."""

    def __init__(self):
        self.terms, self.names = [], []

    def know(self, nodes, term, *, ports=None):
        self.terms.append(term)
        self.names.append(sorted(ports))


def test_the_store_s_transport_learns_of_each_state():
    lab = Lab()
    store, told = Slow(lab), Told()
    store.go.set()
    together = Together(store, told)
    names = ["node1", "node2", "node3"]
    together.read()
    together.commit(nothing)
    assert told.names == [names, names] and store.reads == 1
    with pytest.raises(Conflict):
        together.commit(refused)
    together.history()
    assert told.names == [names, names]


def test_a_group_of_which_none_is_done_is_read_for():
    store, together, threads = committing()
    threads.start("refused", lambda: together.commit(refused))
    threads.start("reader", together.read)
    waiting(together, 2)
    store.go.set()
    threads.join()
    assert isinstance(threads.results["refused"], Conflict) and store.reads == 1
    assert threads.results["reader"].serial == store.lab.disk.config().serial


def test_what_breaks_after_some_are_done_is_told_to_the_others_only():
    store, together, threads = committing()

    def broken():
        raise NoMajority("no history today")

    threads.start("done", lambda: together.commit(nothing))
    threads.start("refused", lambda: together.commit(refused))
    waiting(together, 2)
    threads.start("broken", lambda: together.crowd.join(Wish(look=broken)))
    waiting(together, 3)
    threads.start("reader", together.read)
    waiting(together, 4)
    store.go.set()
    threads.join()
    assert {name: type(result).__name__ for name, result in threads.results.items()} == {
        "first": "Config", "done": "Config", "refused": "Conflict", "broken": "NoMajority",
        "reader": "NoMajority"}


def test_one_leads_at_a_time_and_never_for_nobody():
    groups, entered, go = [], threading.Semaphore(0), threading.Semaphore(0)

    def act(group):
        groups.append(len(group))
        entered.release()
        assert go.acquire(timeout=20)
        for wish in group:
            wish.outcome = "done"

    crowd, threads = Crowd(act), Threads()
    threads.start("first", lambda: crowd.join(Wish()))
    assert entered.acquire(timeout=20)
    for number in range(3):
        threads.start(number, lambda: crowd.join(Wish()))
    until(lambda: len(crowd.waiting) == 3)
    go.release()
    assert entered.acquire(timeout=20)
    assert not entered.acquire(timeout=0.2)  # the second group is led by one of it
    for _ in range(4):
        go.release()
    threads.join()
    assert groups == [1, 3] and set(threads.results.values()) == {"done"}


def test_the_way_to_ask_is_free_again_after_each_question():
    lab = Lab()
    shared, own = Asked(), Asked()
    shared.go.set()
    own.go.set()
    questions, cfg = Questions(shared), lab.disk.config()
    for thing in ("a", "b", "a"):
        call = look.on("node1", thing)
        assert questions.ask(cfg, [call], own) == {call.key: len(shared.calls)}
        assert questions.asking == {}
    assert shared.calls == [("a",), ("b",), ("a",)] and own.calls == []


def test_a_question_that_breaks_breaks_for_all_who_ask_it_and_frees_the_way():
    class Broken(Asked):
        def ask(self, calls):
            super().ask(calls)
            raise NoMajority("the line is cut")

    lab = Lab()
    shared, own = Broken(), Asked()
    own.go.set()
    questions, threads, cfg = Questions(shared), Threads(), lab.disk.config()
    same = [look.on("node1", "a")]
    threads.start("first", lambda: questions.ask(cfg, same, own))
    assert shared.entered.wait(20)
    for number in range(2):
        threads.start(number, lambda: questions.ask(cfg, same, own))
    present(questions, 2)
    shared.go.set()
    threads.join()
    assert {type(result) for result in threads.results.values()} == {NoMajority}
    assert len(shared.calls) == 2 and own.calls == [] and questions.asking == {}


def test_who_asks_knows_where_the_nodes_are():
    """The shared way learns it with each question, as nobody else tells it."""
    lab = Lab()
    questions = Questions(lab.desk().transport)
    call = look.on("node1", "a")
    assert questions.ask(lab.disk.config(), [call], None) == {call.key: ""}
