"""Making a record: a change, its place in the chain, and a signature."""

from __future__ import annotations

from gnt.config import consent, journal, signature
from gnt.config.journal import Entry, Put, Txn
from gnt.model.codec import from_data
from gnt.model.objects import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gnt.config.consent import Asked
    from gnt.config.replica import Replica
    from gnt.config.signature import Signing
    from gnt.engine.ports import Change
    from gnt.model.config import State
    from gnt.plan import Edit

NEW_JOB = "@"  # in a path and as an id: the serial of the transaction that begins the job


class Author:
    """Who makes changes: a name for people, a key, and the clock that dates them.

    ``signing`` is called when a signature is needed: reading needs no key.
    """

    def __init__(
        self, who: str, signing: Callable[[], Signing], clock: Callable[[], float] | None = None,
    ) -> None:
        import time

        self.who = who
        self.asked: Asked = lambda statement: ()  # for the consent of others
        self.clock = clock or time.time
        self._make = signing
        self._signing: Signing | None = None

    @property
    def signing(self) -> Signing:
        if self._signing is None:
            self._signing = self._make()
        return self._signing

    @property
    def public(self) -> str:
        return self.signing.public

    @property
    def fingerprint(self) -> str:
        return signature.fingerprint(self.public)


def make(change: Change, replica: Replica, order: tuple[int, int], author: Author) -> Entry:
    """The signed record of a change that follows the replica's head in the turn ``order``."""
    at = replica.position
    txn = drafted(change, at.serial + 1, at.head, order, author)
    replica.trusted.require_in_time(author.public, txn.time, at.time)
    return sealed(at.serial + 1, agreed(txn, replica.state, at.term, author), author)


def agreed(txn: Txn, state: State, term: int, author: Author) -> Txn:
    """The transaction with the consent of others that it needs on this state."""
    return consent.attached(state, term, txn, author.public, author.asked)


def drafted(
    change: Change, serial: int, prev: str, order: tuple[int, int], author: Author,
) -> Txn:
    """The transaction of a change, with this serial and after the head ``prev``."""
    begins = any(edit.path == f"jobs/{NEW_JOB}" for edit in change.edits)
    txn = Txn(
        term=order[0], turn=order[1], prev=prev, time=round(author.clock(), 3), who=author.who,
        operation=change.operation, job=change.job or (str(serial) if begins else ""),
        reason=change.reason, note=change.note, result=change.result,
        put=tuple(_put(edit, serial) for edit in change.edits if edit.value is not None),
        drop=tuple(edit.path for edit in change.edits if edit.value is None),
    )
    for put in txn.put:
        section, _ = journal.check_path(put.path, "a change")
        from_data(KINDS[section], put.value, put.path)  # nonsense is never signed
    for path in txn.drop:
        journal.check_path(path, "a change")
    return txn


def sealed(serial: int, txn: Txn, author: Author) -> Entry:
    """A transaction as a signed record."""
    body = journal.body(serial, txn)
    return Entry(serial=serial, body=body, signature=signature.sign(body, author.signing))


def _put(edit: Edit, serial: int) -> Put:
    value: Any = edit.value
    if edit.path != f"jobs/{NEW_JOB}":
        return Put(path=edit.path, value=value)
    named = {**value, "id": str(serial)} if value.get("id") in (None, "", NEW_JOB) else value
    return Put(path=f"jobs/{serial}", value=named)
