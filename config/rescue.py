"""What a master committed in the last turn that it remembers, and forgot (ADR 0140).

A master that was started asks the others before it gives a turn (ADR 0127).  When one of them holds
records that the master has not committed, they may have been: a picture of its disk, taken within
the very turn, does not show it.  So they are committed again, as a failover does with such records,
in a turn of their own, before anything else is.
"""

from __future__ import annotations

from gnt.config import message as m
from gnt.config import replicate
from gnt.config.failover import best_tail
from gnt.config.replicate import Replication
from gnt.errors import GntError, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.config.journal import Entry
    from gnt.config.message import Answer
    from gnt.config.replicate import Turn
    from gnt.config.store import SignedStore

    Standing = Mapping[str, Answer | NodeFailed]


def commits_again(store: SignedStore, turn: Turn, standing: Standing) -> bool:
    """Whether there were such records; they are committed, as they were signed, in this turn, which
    is over then."""
    try:
        entries = _forgotten(store, standing)
        if entries:
            _commit(store, turn, entries)
    except GntError:
        store.release()
        raise
    return bool(entries)


def _forgotten(store: SignedStore, standing: Standing) -> list[Entry]:
    """What others hold after what the master has committed: the records of the latest turn."""
    at = store.replica.position
    ahead = [name for name, answer in standing.items()
             if not isinstance(answer, NodeFailed) and answer.tail[0] > at.serial]
    if not ahead:
        return []
    fetch = m.Fetch(base=at.base, offset=at.offset)
    answers: dict[str, Answer] = {}
    for name, answer in store.peers.ask(dict.fromkeys(ahead, fetch)).items():
        if isinstance(answer, NodeFailed):  # it has something, and does not say what
            raise answer
        answers[name] = answer
    return best_tail(store, answers)


def _commit(store: SignedStore, turn: Turn, entries: list[Entry]) -> None:
    names, last = store.candidates(), entries[-1]
    replication = Replication(store.peers, store.replica, turn.order)
    tally = replication.append([name for name in names if name != turn.node], entries,
                               replicate.majority(len(names)) - 1)
    replicate.require_majority(tally, names, 1, f"change {last.serial}, which {turn.node} may have "
                               "forgotten, could not be committed again")
    message = m.Commit(term=turn.order[0], turn=turn.order[1], after=store.replica.head,
                       serial=last.serial, hash=last.hash, size=store.replica.position.offset,
                       records=b"".join(entry.record for entry in entries))
    answer = store.peers.ask({turn.node: message}, deadline=float(m.LEASE))[turn.node]
    store.turn = None
    if isinstance(answer, NodeFailed):
        raise answer
    if answer.status != m.OK:
        raise replicate.refusal(answer, turn.node)
    store.replica.advance(entries, turn.node)
    replication.learn(tally.have, store.replica.head)
