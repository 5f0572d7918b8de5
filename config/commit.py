"""Committing: what several changes do, in one turn (ADR 0003, 0066).

Each change is one signed record, made on the state that the ones before it leave.  The records are
appended together and the master's head moves past all of them at once, so a group costs as many
round trips and syncs as one change.  After an accident a part from its beginning may have happened:
each record stands for itself, and who asked for it is told what became of it.
"""

from __future__ import annotations

from gnt.config import message as m
from gnt.config import record as records
from gnt.config import replicate
from gnt.config.replicate import Replication
from gnt.config.snapshot import Ahead
from gnt.errors import Fenced, GntError, NodeFailed, NotAuthorised, Stale
from gnt.model.config import Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gnt.config.journal import Entry
    from gnt.config.message import Answer
    from gnt.config.replicate import Turn
    from gnt.config.store import SignedStore
    from gnt.engine.ports import Change

    Make = Callable[[Config], Change]
    Outcome = Config | Exception

DEADLINE = float(m.LEASE)  # seconds for the master to move its head
MOST = 64  # records of one group
ROOM = 256 * 1024  # bytes of one group: a journal grows to 1 MiB
ALONE = {"cluster", "nodes", "signers"}  # whose change decides who must have, or may sign, the next


class NotKept(GntError):
    """The change is committed; nothing more can be done from here."""


class Draft:
    """The records of one turn, before anybody gets them."""

    def __init__(self, store: SignedStore, turn: Turn) -> None:
        self.store, self.order = store, turn.order
        self.config = store.replica.config()
        self.entries: list[Entry] = []
        self.full = False
        self._ahead: Ahead | None = None
        at = store.replica.position
        self._serial, self._prev, self._time = at.serial, at.head, at.time
        self._size = 0

    def add(self, make: Make) -> bool:
        """Add the record of what ``make`` says; False when there is nothing to do."""
        change = make(self.config)
        check_author(self.store)
        if not (change.edits or change.note):
            return False
        author = self.store.author
        txn = records.drafted(change, self._serial + 1, self._prev, self.order, author)
        trusted = self.store.replica.trusted
        trusted.require_in_time(author.public, txn.time, self._time)
        txn = records.agreed(txn, self.config.state, self.store.replica.position.term, author)
        entry = records.sealed(self._serial + 1, txn, author)
        self.store.note(txn, entry)
        self.entries.append(entry)
        self._serial, self._prev, self._time = entry.serial, entry.hash, txn.time
        self._size += len(entry.record)
        self.full = (len(self.entries) >= MOST or self._size >= ROOM or any(
            path.partition("/")[0] in ALONE for path in txn.paths))
        if not self.full:
            self._ahead = (self._ahead or Ahead(self.config.state)).after(
                txn, entry.serial, entry.hash)
        return True

    def go_on(self) -> None:
        """The next change is made on what the last one leaves."""
        if self._ahead is not None and self._ahead is not self.config.state:
            self.config = Config(self._ahead)


def commit_all(
    store: SignedStore, makes: Sequence[Make], *, attempts: int = 8,
) -> list[Outcome]:
    """What became of each: the state after it was committed, or why it was not.

    As with ``SignedStore.commit``, a ``make`` is called again when the state has moved; what it
    raises concerns it alone, once the changes before it, on which it was made, are committed.
    """
    done: dict[int, Outcome] = {}
    tried: dict[int, list[Entry]] = {}  # what others may yet commit, though we gave it up
    tries = 0
    while len(done) < len(makes):
        todo = {number: make for number, make in enumerate(makes) if number not in done}
        if tries == attempts:
            done.update(dict.fromkeys(todo, Stale(
                f"the configuration moved {attempts} times while this change was made",
                hint="try again")))
            break
        try:
            done.update(_attempt(store, todo, tried))
        except Stale:
            store.release()
            tries += 1
        except GntError as error:
            done.update(dict.fromkeys(todo, error))
    return [done[number] for number in range(len(makes))]


def _attempt(
    store: SignedStore, todo: dict[int, Make], tried: dict[int, list[Entry]],
) -> dict[int, Outcome]:
    """One group of them; Stale when nothing came of it.

    A record that was given up may be on a candidate, and a failover takes it along (ADR 0013).
    """
    config = store.hold_turn()
    found: dict[int, Outcome] = {
        number: config for number in todo
        if any(store.holds(entry) for entry in tried.get(number, ()))}
    if found:
        store.release()
        return found
    try:
        draft, settled, numbers = _drafted(store, todo)
    except BaseException:
        store.release()
        raise
    if not draft.entries:
        store.release()
        return settled
    for number, entry in zip(numbers, draft.entries, strict=True):
        tried.setdefault(number, []).append(entry)
    try:
        kept = {entry.serial for entry in _commit(store, draft.entries)}
    except NotKept as error:
        return {**settled, **dict.fromkeys(numbers, error)}
    config = store.replica.config()
    settled.update((number, config) for number, entry in zip(numbers, draft.entries, strict=True)
                   if entry.serial in kept)
    if len(kept) < len(draft.entries):  # what was made on them must be made anew
        first = numbers[len(kept)]
        settled = {number: outcome for number, outcome in settled.items() if number < first}
    return settled


def _drafted(
    store: SignedStore, todo: dict[int, Make],
) -> tuple[Draft, dict[int, Outcome], list[int]]:
    """(the records, what is settled without one, whose the records are)."""
    turn = store.turn
    assert turn is not None
    draft, numbers = Draft(store, turn), []
    settled: dict[int, Outcome] = {}
    for number, make in todo.items():
        draft.go_on()
        try:
            if draft.add(make):
                numbers.append(number)
            else:
                settled[number] = draft.config
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for who asked
            settled[number] = error
        if draft.full or (draft.entries and store.ticks() >= turn.until):
            break
    return draft, settled, numbers


def check_author(store: SignedStore) -> None:
    """Raise unless we may change this configuration, and know how."""
    from gnt.model.objects import Cluster

    schema, known = store.replica.config().cluster.schema, Cluster.DEFAULTS["schema"]
    if schema > known:
        raise GntError(f"this cluster's configuration has schema {schema}; this gnt writes "
                       f"schema {known}", hint="install the newer gnt here, too")
    author = store.author
    if author.public not in store.replica.trusted.signers():
        raise NotAuthorised(
            f"your key {author.fingerprint} may not sign changes of this cluster",
            hint=f"let an admin who may type: gnt-cluster signer add {author.who} "
                 f"'{author.public}'")


def _commit(store: SignedStore, entries: list[Entry]) -> list[Entry]:
    """The records that are committed then: all of them, unless there was an accident.

    Raises Stale when none is and it can be tried again.
    """
    turn, last = store.turn, entries[-1]
    assert turn is not None
    names = store.candidates()
    others = [name for name in names if name != turn.node]
    replication = Replication(store.peers, store.replica, turn.order)
    tally = replication.append(others, entries, replicate.majority(len(names)) - 1)
    if tally.fence > turn.order[0]:
        store.release()
        return _taken_along(store, entries, turn, tally.fence)
    try:
        replicate.require_majority(tally, names, 1, "the change was refused")
    except GntError:
        store.release()
        if tally.overtaken:  # our turn ended while we were slow
            raise Stale("another driver had a later turn") from None
        raise
    message = m.Commit(term=turn.order[0], turn=turn.order[1], after=store.replica.head,
                       serial=last.serial, hash=last.hash, size=store.replica.position.offset,
                       records=b"".join(entry.record for entry in entries))
    answer = store.peers.ask({turn.node: message}, deadline=DEADLINE)[turn.node]
    store.turn = None
    kept = entries
    if isinstance(answer, NodeFailed) or answer.status != m.OK:
        kept = _find(store, entries, turn.node, answer)
    else:
        _keep(store, entries, turn.node)
    if len(kept) == len(entries):
        _tell(store, tally, message)
    return kept


def _keep(store: SignedStore, entries: list[Entry], node: str) -> None:
    """Follow what was committed.  That it was is true whether or not our copy can be written."""
    try:
        store.replica.advance(entries, node)
    except OSError as error:
        here, last = error.filename or store.replica.disk.directory, entries[-1].serial
        raise NotKept(
            f"change {last} is committed, but this machine cannot write that down in {here}: "
            f"{error.strerror}",
            hint=f"df -h {here}; then gnt-job list shows what is left to be resumed") from error


def _taken_along(
    store: SignedStore, entries: Iterable[Entry], turn: Turn, term: int,
) -> list[Entry]:
    """The records that a failover took along; Stale: it went on without any."""
    store.look_elsewhere(turn.node)
    if store.replica.position.term <= turn.order[0]:
        raise Fenced(f"{turn.node} is no longer the master: term {term} has begun",
                     hint="gnt-cluster master-failover, if the one that began was broken off")
    kept = _held(store, entries)
    if not kept:
        raise Stale(f"term {store.replica.position.term} has begun")
    return kept


def _find(
    store: SignedStore, entries: Sequence[Entry], node: str, answer: Answer | NodeFailed,
) -> list[Entry]:
    """The records that are committed though the answer was lost; Stale: none is.

    Taking the turn waits for the shell that may still be at work, and syncs what it left.
    """
    first = entries[0].serial
    try:
        store.hold_turn()
        kept = _held(store, entries)
    except GntError as error:
        raise NodeFailed(
            node, "lost", f"it is not known whether change {first} was committed "
            f"({replicate.why(answer)}; then: {error.message})",
            hint=f"when {node} answers: gnt-cluster config show {first}") from error
    finally:
        store.release()
    if not kept and not isinstance(answer, NodeFailed) and answer.status == m.FAILED:
        raise NodeFailed(node, "failed", answer.problem or "it could not write the change",
                         task="config (commit)", hint=f"is a disk of {node} full?")
    if not kept:
        raise Stale(f"change {first} was not committed")
    return kept


def _held(store: SignedStore, entries: Iterable[Entry]) -> list[Entry]:
    """The records up to the first that is not in the history."""
    kept = []
    for entry in entries:
        if not store.holds(entry):
            break
        kept.append(entry)
    return kept


def _tell(store: SignedStore, tally: replicate.Tally, message: m.Commit) -> None:
    """What follows.  The copy may be further already, by another process of this user."""
    before = message.after
    head = m.Head(term=message.term, serial=message.serial, hash=message.hash, base=before.base)
    learn = m.Learn(head=head, by=head.term, after=before,
                    size=message.size + len(message.records))
    store.peers.post(dict.fromkeys(tally.have, learn))
    if tally.behind:
        from contextlib import suppress

        replication = Replication(store.peers, store.replica, (message.term, message.turn))
        with suppress(GntError):  # our own copy is incomplete, or further
            replication.send_missing(tally.behind)
    if store.replica.long or store.replica.outdated:
        from gnt.config import compaction

        compaction.attempt(store)
