"""One store for all threads of a runner: what they ask for at the same time is done at once.

Whoever comes first does it, for all that have come by then; who comes meanwhile waits and is in the
next group.  So fifty jobs that begin together cost a few turns, not fifty, and nodes are asked the
same questions a few times (ADR 0066).
"""

from __future__ import annotations

from gnt.engine.desk import Desk, know

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from gnt.engine.ports import Change, Key, Transport
    from gnt.model.config import Config
    from gnt.plan import Call

    Make = Callable[[Config], Change]

    class Grouping(Protocol):
        """A store that can commit several changes in one turn."""

        def read(self) -> Config: ...
        def commit_all(self, makes: Sequence[Make]) -> list[Config | Exception]: ...
        def record_of(self, job: str) -> tuple[bytes, bytes]: ...
        def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]: ...


class Wish:
    """What one thread waits for: a commit, or what ``look`` finds, or (without both) the state."""

    def __init__(self, make: Make | None = None, look: Callable[[], Any] | None = None) -> None:
        import threading

        self.make, self.look = make, look
        self.outcome: Any = None
        self.woken = threading.Event()

    def result(self) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Crowd:
    """Who comes while nobody acts does so for all who have come by then, at once.

    The others wait; one of those who came meanwhile is the next to act, and nobody whose wish was
    fulfilled waits any longer.
    """

    def __init__(self, act: Callable[[list[Wish]], None]) -> None:
        import threading

        self._act = act
        self._joining = threading.Lock()
        self._led = False
        self.waiting: list[Wish] = []

    def join(self, wish: Wish) -> Any:
        """What came of the wish."""
        with self._joining:
            self.waiting.append(wish)
            leads, self._led = not self._led, True
        if not leads:
            wish.woken.wait()
        if wish.outcome is None:
            self._lead()
        return wish.result()

    def _lead(self) -> None:
        with self._joining:
            group, self.waiting = self.waiting, []
        try:
            self._act(group)
        except BaseException as error:  # noqa: BLE001 - each thread hears of it as of its own
            for wish in group:
                wish.outcome = wish.outcome or error
        with self._joining:
            following = self.waiting[:1]
            self._led = bool(following)
        for wish in (*following, *group):
            wish.woken.set()


class Together:
    """``engine.ports.Store`` for many threads.

    ``transport`` is the store's own.  A ``make`` is called in whichever thread leads, while its own
    thread waits.
    """

    def __init__(self, store: Grouping, transport: Transport) -> None:
        self._store, self._transport = store, transport
        self.crowd = Crowd(self._act)

    def read(self) -> Config:
        state: Config = self.crowd.join(Wish())
        return state

    def commit(self, make: Make, *, attempts: int = 8) -> Config:
        """As ``Store.commit``; how often a group is tried is the same for all of it."""
        state: Config = self.crowd.join(Wish(make))
        return state

    def take_turn(self) -> None:
        """Turns are for groups: a thread on its way to a commit takes none."""

    def give_turn(self) -> None:
        """There is none to give."""

    def record_of(self, job: str) -> tuple[bytes, bytes]:
        return self._store.record_of(job)

    def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.crowd.join(
            Wish(look=lambda: list(self._store.history(newest=newest))))
        return found

    def _act(self, group: list[Wish]) -> None:
        newest = self._commit([wish for wish in group if wish.make is not None])
        for wish in group:
            if wish.look is not None:
                wish.outcome = wish.look()
        reading = [wish for wish in group if wish.outcome is None]
        if reading and newest is None:
            newest = self._store.read()
        if newest is not None:
            know(self._transport, newest)
        for wish in reading:
            wish.outcome = newest

    def _commit(self, group: list[Wish]) -> Config | None:
        """The state after them, which is also what a reader would see; None when none is done."""
        makes = [wish.make for wish in group if wish.make is not None]
        outcomes = self._store.commit_all(makes) if makes else []
        newest: Config | None = None
        for wish, outcome in zip(group, outcomes, strict=True):
            wish.outcome = outcome
            if not isinstance(outcome, Exception):
                newest = outcome
        return newest


class Questions:
    """The same questions of several threads are asked once, after all of them have come.

    ``transport`` asks them, or the thread's own where that one is busy with other questions.
    """

    def __init__(self, transport: Transport) -> None:
        import threading

        self._transport, self._free = transport, threading.Lock()
        self._joining = threading.Lock()
        self.asking: dict[frozenset[Key], tuple[Crowd, list[None]]] = {}

    def ask(
        self, cfg: Config, calls: Sequence[Call[Any]], own: Transport,
    ) -> Mapping[Key, Any]:
        same = frozenset(call.key for call in calls)
        with self._joining:
            crowd, present = self.asking.setdefault(same, (Crowd(self._act), []))
            present.append(None)
        try:
            answers: Mapping[Key, Any] = crowd.join(Wish(look=lambda: self._ask(cfg, calls, own)))
        finally:
            with self._joining:
                present.pop()
                if not present:
                    del self.asking[same]
        return answers

    @staticmethod
    def _act(group: list[Wish]) -> None:
        """The first of them asks; to each an answer of its own would be the same."""
        answers = group[0].look() if group[0].look is not None else None
        for wish in group:
            wish.outcome = answers

    def _ask(self, cfg: Config, calls: Sequence[Call[Any]], own: Transport) -> Mapping[Key, Any]:
        first = self._free.acquire(blocking=False)
        try:
            if first:
                know(self._transport, cfg)
            return (self._transport if first else own).ask(calls)
        finally:
            if first:
                self._free.release()


class DeskOfMany(Desk):
    """The desk of one of many threads."""

    questions: Questions

    def first(self) -> Config:
        return self.read()

    def approach(self, cfg: Config) -> None:
        """Commits and questions go over other connections: only the lock's is ours."""
        self.know(cfg)
        self.transport.warm([], owner=cfg.master.name)

    def ask(self, cfg: Config, calls: Sequence[Call[Any]]) -> Mapping[Key, Any]:
        return self.questions.ask(cfg, calls, self.transport)
