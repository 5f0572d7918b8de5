"""A new base after many records, so that the journal stays short."""

from __future__ import annotations

from gnt.config import base as bases
from gnt.config import message as m
from gnt.config import signature
from gnt.config.base import Header
from gnt.config.commit import check_author
from gnt.config.replicate import Replication
from gnt.errors import GntError, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.config.message import Head
    from gnt.config.record import Author
    from gnt.config.replica import Replica
    from gnt.config.store import SignedStore


def make(replica: Replica, author: Author) -> bytes:
    """The signed base of the replica's state.

    Where a base stands at this serial already, the new one takes its place in the history.
    """
    at = replica.position
    before = at.base
    if at.base == at.serial:
        before = bases.parse(replica.content()[0], f"base-{at.base}.toml").header.previous
    header = Header(format=bases.FORMAT, serial=at.serial, term=at.term, turn=at.turn,
                    time=round(author.clock(), 3), who=author.who, head=at.head, previous=before)
    replica.trusted.require_in_time(author.public, header.time, 0.0)
    body = bases.body(header, replica.state.everything())
    return bases.signed(body, signature.sign(body, author.signing))


def first(data: Mapping[str, Mapping[str, Any]], author: Author) -> tuple[Head, bytes]:
    """The head and the base with which a cluster begins."""
    header = Header(format=bases.FORMAT, serial=1, term=1, turn=0, time=round(author.clock(), 3),
                    who=author.who)
    body = bases.body(header, data)
    base = bases.signed(body, signature.sign(body, author.signing))
    return m.Head(term=1, serial=1, hash=bases.start(base), base=1), base


def attempt(store: SignedStore) -> None:
    """Compact if nothing stands in the way: the change before it is committed in any case."""
    try:
        compact(store)
    except GntError:
        store.release()


def compact(store: SignedStore) -> None:
    """Write a new base to the master and the other candidates, in a turn of its own.

    Nothing is done when another driver has done it while this one waited for the turn.
    """
    store.hold_turn()
    at = store.replica.position
    if at.base == at.serial and not store.replica.outdated:
        store.release()
        return
    turn = store.turn
    assert turn is not None
    check_author(store)  # who has just removed himself, for example
    base = make(store.replica, store.author)
    old = store.replica.head
    head = old.replace(base=old.serial)
    message = m.Install(term=turn.order[0], turn=turn.order[1], head=head, start=head.hash,
                        base=base)
    answer = store.peers.ask({turn.node: message}, deadline=m.LEASE)[turn.node]
    if isinstance(answer, NodeFailed) or answer.status != m.OK:
        store.release()
        return
    store.replica.rebase(base, "the new base")
    replication = Replication(store.peers, store.replica, turn.order)
    others = [node.name for node in store.replica.config().candidates if node.name != turn.node]
    store.peers.ask(dict.fromkeys(others, replication.install()), deadline=60.0)
    store.release()
    store.peers.post(dict.fromkeys([turn.node, *others], m.Prune()))
