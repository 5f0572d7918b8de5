"""Another master: a majority of candidates, the highest record among them, a new term.

First every candidate that answers is fenced: it refuses older terms from then on, so what it then
tells cannot change behind our back.  Whatever was committed is on a majority, so somebody in ours
has it; among the records after the committed ones, those of the highest (term, turn) may have been
committed, and of one turn the more, the better (ADR 0003, 0066).
"""

from __future__ import annotations

import os

from gnt.config import message as m
from gnt.config import record as records
from gnt.config import replicate
from gnt.config.commit import check_author
from gnt.config.journal import split
from gnt.config.replicate import Replication
from gnt.engine.ports import Change
from gnt.errors import Damaged, GntError, NodeFailed
from gnt.plan import Edit
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gnt.config.journal import Entry
    from gnt.config.message import Answer, Head
    from gnt.config.store import SignedStore
    from gnt.model.config import Config

    Also = Callable[[Config], tuple[Edit, ...]]

COPY = "failover-"  # and the number of the process
ATTEMPTS = 4  # terms to try, when somebody else fails over at the same time


class Takeover(Record):
    """What a failover did.  ``rescued``: records that were appended but not known as committed."""

    master: str
    term: int
    serial: int
    reached: tuple[str, ...]
    missing: Mapping[str, str]  # candidates that did not take part, and why
    rescued: tuple[int, ...]


def take_over(
    store: SignedStore, new_master: str, *, operation: str = "cluster master-failover",
    no_voting: bool = False, reason: str = "", also: Also | None = None,
) -> Takeover:
    """Make ``new_master`` the master.  ``also``: what else changes with it (roles, addresses).

    ``no_voting``: do it without a majority.  That can fork the history when the others live; it is
    written into the history that this was done.
    """
    names = _names(store)
    trial = _trial(store)
    try:
        done = _take_over(trial, names, new_master, Wish(
            operation=operation, no_voting=no_voting, reason=reason, also=also))
        store.replica.accept(trial.replica.whole(), "failover")
    finally:
        trial.replica.disk.erase()
    return done


class Wish(Record):
    """How the failover was asked for."""

    operation: str
    no_voting: bool
    reason: str
    also: Also | None


def _trial(store: SignedStore) -> SignedStore:
    """A store with a copy of its own: ours must not believe in records before they are committed,
    and a failover that is broken off leaves some that never will be."""
    from gnt.config.memory_state import FollowingState
    from gnt.config.replica import Replica
    from gnt.config.store import SignedStore

    ours = store.replica
    _sweep(ours.disk.directory)
    disk = ours.disk.folder(f"{COPY}{os.getpid()}")  # processes of one user share the rest
    disk.erase()
    copy = Replica(disk, FollowingState(), ours.pin)
    copy.accept(ours.whole(), "our copy")
    return SignedStore(store.peers, copy, store.author, hints=(store.master(),))


def _sweep(directory: str) -> None:
    """Remove the copies of failovers that were killed."""
    import shutil
    from contextlib import suppress

    with suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(COPY) and not os.path.exists(f"/proc/{name.removeprefix(COPY)}"):
                shutil.rmtree(os.path.join(directory, name), ignore_errors=True)


def _take_over(
    store: SignedStore, names: list[str], new_master: str, wish: Wish,
) -> Takeover:
    no_voting = wish.no_voting
    _require_consent(store, new_master, wish)
    term, fenced = _fence(store, names, no_voting, new_master)
    _settle(store, fenced)
    committed = store.replica.position.serial
    best = _best(store, fenced)
    tally = _spread(store, sorted(fenced), term, best)
    if not no_voting:
        replicate.require_majority(tally, names, 0, "the failover was refused")
    elif new_master not in tally.have:
        raise NodeFailed(new_master, "failed", tally.lack.get(new_master, "it did not answer"))
    _now_committed(store, tally.have, term, best)
    rescued = tuple(entry.serial for entry in best if entry.serial > committed)
    note = ""
    if no_voting:
        note = f"without a majority: only {', '.join(tally.have)} took part"
    before = store.replica.config()
    edits = _becomes_master(before, new_master) + (wish.also(before) if wish.also else ())
    config = _commit(store, new_master, term, tally, Change(
        edits=edits, operation=wish.operation, reason=wish.reason, note=note), no_voting)
    missing = {name: tally.lack.get(name, "it did not answer") for name in names
               if name not in tally.have}
    return Takeover(master=new_master, term=term, serial=config.serial, reached=tally.have,
                    missing=missing, rescued=rescued)


def _require_consent(store: SignedStore, new_master: str, wish: Wish) -> None:
    """Before anything is fenced: raise unless we may sign, and enough others agree."""
    config, at = store.replica.config(), store.replica.position
    check_author(store)
    change = Change(edits=_becomes_master(config, new_master), operation=wish.operation)
    txn = records.drafted(change, at.serial + 1, at.head, (at.term + 1, 0), store.author)
    store.replica.trusted.require_in_time(store.author.public, txn.time, at.time)
    records.agreed(txn, config.state, at.term, store.author)


def _names(store: SignedStore) -> list[str]:
    """The candidates of the newest configuration that can be read.

    A failover that was broken off leaves a master that lacks records: then what we know must do.
    """
    try:
        config = store.read()
    except GntError:
        known = store.cached()
        if known is None:
            raise
        config = known
    return [node.name for node in config.candidates]


def _fence(
    store: SignedStore, names: list[str], no_voting: bool, new_master: str,
) -> tuple[int, dict[str, Answer]]:
    """Raise the term on all that answer: the term, and what they hold."""
    at = store.replica.position
    standing = store.peers.ask(dict.fromkeys(names, m.Fetch(offset=m.STANDING_ONLY)))
    known = [a for a in standing.values() if not isinstance(a, NodeFailed)]
    term = max([at.term] + [max(a.fence, a.head.term, a.seen[0]) for a in known]) + 1
    for attempt in range(ATTEMPTS):
        message = m.Fence(term=term + attempt, base=at.base, offset=at.offset)
        answers = store.peers.ask(dict.fromkeys(names, message), deadline=m.WAIT + 10.0)
        tally = replicate.tally(answers)
        fenced = {n: a for n, a in answers.items()
                  if not isinstance(a, NodeFailed) and a.status == m.OK}
        if no_voting and new_master in fenced:
            return term + attempt, fenced
        if len(fenced) >= replicate.majority(len(names)):
            return term + attempt, fenced
        if tally.fence <= term + attempt:
            break
    raise replicate.no_majority(tally, names, 0, "a failover needs a majority")


def _settle(store: SignedStore, fenced: Mapping[str, Answer]) -> None:
    """Follow what is committed on any of them."""
    for name in sorted(fenced, key=lambda n: _height(fenced[n].head)):
        if _height(fenced[name].head) > _height(store.replica.head):
            store.replica.accept(fenced[name], name)


def _height(head: Head) -> tuple[int, int, int]:
    return head.term, head.serial, head.base


def _best(store: SignedStore, fenced: Mapping[str, Answer]) -> list[Entry]:
    """The records after the committed ones that may have been committed, too."""
    best: list[Entry] = []
    order = (0, 0, 0)
    for name in sorted(fenced):
        entries = _tail(store, name, fenced[name])
        last = _order(store, entries, name)
        if last > order:
            best, order = entries, last
    return best


def _tail(store: SignedStore, name: str, answer: Answer) -> list[Entry]:
    """The records of a candidate that follow our replica, as far as they can be believed.

    One that has another record where ours has a committed one has nothing that follows.
    """
    at, where = store.replica.position, f"{name}: its journal"
    for part in answer.parts:
        if part.kind == "journal" and part.number == at.base and part.offset <= at.offset:
            try:
                entries, _ = split(part.data[at.offset - part.offset:], where)
            except Damaged:
                return []
            return store.replica.trusted.believable(entries, where)
    return []


def _order(store: SignedStore, entries: list[Entry], name: str) -> tuple[int, int, int]:
    from gnt.config.journal import parse

    if not entries:
        at = store.replica.position
        return at.term, at.turn, at.serial
    last = parse(entries[-1], name)
    return last.term, last.turn, entries[-1].serial


def _spread(
    store: SignedStore, names: list[str], term: int, best: list[Entry],
) -> replicate.Tally:
    """The chosen records on all that were fenced; as committed only what is."""
    replication = Replication(store.peers, store.replica, (term, store.replica.position.turn))
    return replicate.tally(replication.catch_up(names, best))


def _now_committed(
    store: SignedStore, names: Iterable[str], term: int, best: list[Entry],
) -> None:
    """A majority has them: they count."""
    store.replica.advance(best, "failover")
    learn = m.Learn(head=store.replica.head, by=term)
    store.peers.ask(dict.fromkeys(names, learn))


def _becomes_master(config: Config, name: str) -> tuple[Edit, ...]:
    from gnt.model.codec import to_data

    node = config.node(name)
    cluster = config.cluster
    if not node.master_candidate:
        raise GntError(f"{name} is no master candidate", hint=f"gnt-node modify -C yes {name}")
    return (Edit(path="cluster/cluster", value=to_data(cluster.replace(
        master_node=node.uuid, serial_no=cluster.serial_no + 1))),)


def _commit(
    store: SignedStore, new_master: str, term: int, tally: replicate.Tally, change: Change,
    no_voting: bool,
) -> Config:
    """The failover's own record, in the first turn of the new master."""
    check_author(store)  # what was taken along may have changed that
    take = m.Take(term=term, base=store.replica.position.base,
                  offset=store.replica.position.offset, asked=(0, 0))  # its term is new
    answer = store.peers.ask({new_master: take}, deadline=m.WAIT + 10.0)[new_master]
    if isinstance(answer, NodeFailed):
        raise answer
    if answer.status != m.OK or answer.head.hash != store.replica.head.hash:
        raise Damaged(f"{new_master}: {replicate.why(answer)}", hint="run the failover again")
    entry = records.make(change, store.replica, answer.turn, store.author)
    others = [name for name in tally.have if name != new_master]
    replication = Replication(store.peers, store.replica, answer.turn)
    second = replication.append(others, [entry], replicate.majority(len(_all(store))) - 1)
    if not no_voting:
        replicate.require_majority(second, _all(store), 1, "the failover was refused")
    commit = m.Commit(term=answer.turn[0], turn=answer.turn[1], after=store.replica.head,
                      serial=entry.serial, hash=entry.hash, records=entry.record)
    final = store.peers.ask({new_master: commit}, deadline=float(m.LEASE))[new_master]
    if isinstance(final, NodeFailed):
        raise final
    if final.status != m.OK:
        raise Damaged(f"{new_master}: {replicate.why(final)}", hint="run the failover again")
    store.replica.advance([entry], new_master)
    replication.learn(second.have, store.replica.head)
    return store.replica.config()


def _all(store: SignedStore) -> list[str]:
    return [node.name for node in store.replica.config().candidates]
