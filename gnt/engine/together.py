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
        def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]: ...


class Wish:
    """What one thread waits for: a commit, or (without ``make``) the state."""

    def __init__(self, make: Make | None) -> None:
        self.make = make
        self.outcome: Config | BaseException | None = None

    def result(self) -> Config:
        assert self.outcome is not None
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Together:
    """``engine.ports.Store`` for many threads.

    ``transport`` is the store's own.  A ``make`` is called in whichever thread leads, while its own
    thread waits.
    """

    def __init__(self, store: Grouping, transport: Transport) -> None:
        import threading

        self._store, self._transport = store, transport
        self._leading, self._joining = threading.Lock(), threading.Lock()
        self._wishes: list[Wish] = []

    def read(self) -> Config:
        return self._get(Wish(None))

    def commit(self, make: Make, *, attempts: int = 8) -> Config:
        """As ``Store.commit``; how often a group is tried is the same for all of it."""
        return self._get(Wish(make))

    def take_turn(self) -> None:
        """Turns are for groups: a thread on its way to a commit takes none."""

    def give_turn(self) -> None:
        """There is none to give."""

    def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]:
        with self._leading:
            return list(self._store.history(newest=newest))

    def _get(self, wish: Wish) -> Config:
        with self._joining:
            self._wishes.append(wish)
        with self._leading:
            if wish.outcome is None:
                self._lead()
        return wish.result()

    def _lead(self) -> None:
        with self._joining:
            group, self._wishes = self._wishes, []
        try:
            newest = self._commit([wish for wish in group if wish.make is not None])
            reading = [wish for wish in group if wish.outcome is None]
            if reading or newest is None:
                newest = newest or self._store.read()
            know(self._transport, newest)
            for wish in reading:
                wish.outcome = newest
        except BaseException as error:  # noqa: BLE001 - each thread hears of it as of its own
            for wish in group:
                wish.outcome = wish.outcome or error

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


class Round:
    """Questions that were not asked yet, or their answers."""

    def __init__(self) -> None:
        self.begun = False
        self.answers: Mapping[Key, Any] = {}
        self.error: BaseException | None = None


class Asking:
    """Everybody who has the same questions: who asks has the lock, the others join ``next``."""

    def __init__(self) -> None:
        import threading

        self.lock = threading.Lock()
        self.next = Round()
        self.present = 0


class Questions:
    """The same questions of several threads are asked once, after all of them have come.

    ``transport`` asks them, or the thread's own where that one is busy with other questions.
    """

    def __init__(self, transport: Transport) -> None:
        import threading

        self._transport, self._free = transport, threading.Lock()
        self._joining = threading.Lock()
        self._asking: dict[frozenset[Key], Asking] = {}

    def ask(
        self, cfg: Config, calls: Sequence[Call[Any]], own: Transport,
    ) -> Mapping[Key, Any]:
        same = frozenset(call.key for call in calls)
        with self._joining:
            asking = self._asking.setdefault(same, Asking())
            asking.present += 1
            joined = asking.next
        with asking.lock:
            if not joined.begun:
                with self._joining:
                    joined.begun = True
                    asking.next = Round()
                self._ask(cfg, calls, own, joined)
        with self._joining:
            asking.present -= 1
            if not asking.present:
                del self._asking[same]
        if joined.error is not None:
            raise joined.error
        return joined.answers

    def _ask(
        self, cfg: Config, calls: Sequence[Call[Any]], own: Transport, joined: Round,
    ) -> None:
        first = self._free.acquire(blocking=False)
        try:
            if first:
                know(self._transport, cfg)
            joined.answers = (self._transport if first else own).ask(calls)
        except BaseException as error:  # noqa: BLE001 - each thread hears of it as of its own
            joined.error = error
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
