"""What may be believed: bytes in, trusted state out.  Nothing here touches a disk or the network.

The rules: a transaction is signed by a signer of the state before it, follows the head before it,
and never goes back in term; a base is signed by a signer the reader already believes in, is of the
same cluster, and is not older than what the reader has seen.
"""

from __future__ import annotations

from collections.abc import Mapping

from gnt.config import base as bases
from gnt.config import consent, journal, signature
from gnt.errors import Damaged, NotAuthorised
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from gnt.config.base import Base
    from gnt.config.journal import Entry, Txn
    from gnt.model.config import State

    class Working(State, Protocol):
        """A state that follows the journal."""

        def reset(self, data: Mapping[str, Mapping[str, Any]], at: Position) -> None:
            """Forget everything and begin with a base."""

        def apply(self, txn: Txn, at: Position) -> None:
            """Follow one transaction."""

        @property
        def position(self) -> Position:
            """Where in the chain it stands."""

        def snapshot(self) -> State:
            """This state, for a reader: it stays as it is."""

        def refresh(self) -> None:
            """See what another process has done to it."""

        def everything(self) -> dict[str, dict[str, Any]]:
            """All objects, by section and key, in order of creation."""


PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._+-")
BACK = 86400.0  # seconds that clocks of different signers may differ


class Position(Record):
    """A place in the chain.  ``base`` and ``offset``: the journal file and the bytes of it read."""

    term: int = 0
    turn: int = 0
    serial: int = 0
    head: str = ""
    base: int = 0
    offset: int = 0
    time: float = 0.0  # that the record says


class Pin(Record):
    """What a reader believes in before it has read anything, and the highest it has ever seen."""

    signers: tuple[str, ...]  # public keys
    cluster: str = ""  # uuid; empty: whatever the base of a trusted signer says
    term: int = 0
    serial: int = 0


class Trusted:
    """Follows a chain and refuses what is not signed, not next, or older than what was seen."""

    def __init__(self, state: Working, pin: Pin) -> None:
        self.state = state
        self.pin = pin
        self._signers: dict[str, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """The signers, after the state has moved by other means."""
        self._signers = self._listed() if self.position.serial else {}

    @property
    def position(self) -> Position:
        return self.state.position

    def signers(self) -> Mapping[str, str]:
        """Public keys that may sign now, and their names."""
        return self._signers

    def _listed(self) -> dict[str, str]:
        listed = {}
        for name in self.state.keys("signers"):
            found = self.state.load("signers", name) or {}
            listed[str(found.get("key", ""))] = name
        return listed

    def begin(self, data: bytes, where: str, *, known: bool = False) -> str:
        """Believe a base, if signed by somebody known and no older than what was seen; its signer.

        ``known``: it was believed before, by its digest; its signer may have been removed since.
        """
        taken = bases.parse(data, where)
        author = signature.verify(taken.body, taken.signature, where)
        if not known and author not in (self._signers or self.pin.signers):
            raise NotAuthorised(
                f"{where}: signed by {signature.fingerprint(author)}, who is not a known signer",
                hint="compare fingerprints with another admin, then gnt-context join again")
        self._check_base(taken, where)
        header = taken.header
        if not known and (name := self._signers.get(author)):
            self._require_in_time(author, name, (header.time, 0.0), where)
        self.state.reset(taken.data, Position(
            term=header.term, turn=header.turn, serial=header.serial, head=taken.head,
            base=header.serial, time=header.time))
        self._signers = self._listed()
        return author

    def _check_base(self, taken: Base, where: str) -> None:
        cluster, listed = taken.data["cluster"]["cluster"], taken.data.get("signers")
        uuid = cluster.get("uuid")  # type: ignore[attr-defined]  # a table, bases.parse has checked
        if self.pin.cluster and uuid != self.pin.cluster:
            raise NotAuthorised(f"{where}: it belongs to another cluster ({uuid})")
        if not listed:
            raise Damaged(f"{where}: nobody may sign this configuration")
        at, header = self.position, taken.header
        if at.serial and (header.term, header.serial) < (at.term, at.serial):
            raise Damaged(f"{where}: serial {header.serial} of term {header.term} is older than "
                          f"{at.serial} of term {at.term}, which was seen before")
        if at.serial == header.serial and at.head != taken.head:
            raise Damaged(f"{where}: another history has the serial {at.serial}")

    def follow(self, entry: Entry, where: str) -> Txn:
        """Believe one record, if it is next and signed by a signer of the state before it."""
        txn, at = self._next(entry, self.position, self._signers, where)
        self._keep_identity(txn, f"{where}, txn.{entry.serial}")
        self.state.apply(txn, at)
        if any(path.startswith("signers/") for path in txn.paths):
            self._signers = self._listed()
        return txn

    def _next(
        self, entry: Entry, at: Position, signers: Mapping[str, str], where: str,
    ) -> tuple[Txn, Position]:
        """As ``_next``; also in time, and agreed to by as many signers as it needs."""
        author, txn, after = _next(entry, at, signers, where)
        name = f"{where}, txn.{entry.serial}"
        self._require_in_time(author, signers[author], (txn.time, at.time), name)
        consent.require(self.state, at.term, txn, author, signers, name)
        return txn, after

    def _require_in_time(
        self, author: str, name: str, times: tuple[float, float], where: str,
    ) -> None:
        """Raise when a signer's right had ended then.  ``times``: of this, and of what it follows.

        The time is what the signer says: one whose right ends must not go back behind others.
        """
        until = consent.count(self.state.load("signers", name) or {}, "valid_until", 0)
        time, before = times
        if until and time >= until:
            raise NotAuthorised(f"{where}: signed by {name}, whose right to sign had ended "
                                f"({signature.fingerprint(author)})",
                                hint=f"gnt-cluster signer modify --valid-until=DATE {name}")
        if until and time < before - BACK:
            raise NotAuthorised(
                f"{where}: dated before the record before it, by {name}, whose right to sign ends",
                hint="is a clock wrong? A change by somebody whose right does not end mends it")

    def require_in_time(self, author: str, time: float, before: float) -> None:
        """Raise when a signer may sign nothing of this time that follows what is of ``before``: it
        would be committed, and nobody could believe it."""
        self._require_in_time(author, self._signers[author], (time, before), "this change")

    def believable(self, entries: Iterable[Entry], where: str) -> list[Entry]:
        """The records that could be followed, up to the first that could not; follows none."""
        at, signers, good = self.position, dict(self._signers), []
        for entry in entries:
            try:
                txn, at = self._next(entry, at, signers, where)
                self._keep_identity(txn, where)
            except (Damaged, NotAuthorised):
                break
            good.append(entry)
            gone = {path.partition("/")[2] for path in txn.paths}
            signers = {key: name for key, name in signers.items() if name not in gone}
            signers.update((str(put.value.get("key", "")), put.path.partition("/")[2])
                           for put in txn.put if put.path.startswith("signers/"))
        return good

    def _keep_identity(self, txn: Txn, where: str) -> None:
        """A transaction must leave the cluster's uuid, and somebody who may sign the next one."""
        for put in txn.put:
            if put.path == "cluster/cluster":
                known = (self.state.load("cluster", "cluster") or {}).get("uuid")
                if put.value.get("uuid") != known:
                    raise Damaged(f"{where}: it changes the cluster's uuid")
        if "cluster/cluster" in txn.drop:
            raise Damaged(f"{where}: it drops the cluster")
        self._keep_enough(txn, where)

    def _keep_enough(self, txn: Txn, where: str) -> None:
        """Enough signers must be left for the changes that need several."""
        if not any(path.startswith("signers/") or path == "cluster/cluster" for path in txn.paths):
            return
        keys = self._keys_after(txn, where)
        wanted = [consent.count(put.value, "signer_threshold", 1) for put in txn.put
                  if put.path == "cluster/cluster"]
        needed = (*wanted, consent.threshold(self.state))[0]
        if len(set(keys.values())) < needed:
            raise Damaged(f"{where}: it would leave {len(set(keys.values())) or 'nobody'} who may "
                          f"sign, where {needed} must agree")

    def _keys_after(self, txn: Txn, where: str) -> dict[str, object]:
        """The keys of the signers by name, as they would be; Damaged when names could mislead."""
        gone = {path.partition("/")[2] for path in txn.drop if path.startswith("signers/")}
        keys: dict[str, object] = {
            name: key for key, name in self._signers.items() if name not in gone}
        for put in txn.put:
            section, _, name = put.path.partition("/")
            if section == "signers":
                alike = [other for other in keys
                         if other != name and other.casefold() == name.casefold()]
                if not PLAIN.issuperset(name) or alike or put.value.get("name") != name:
                    raise Damaged(f"{where}: {name!r} is no name for a signer, or could be taken "
                                  f"for {alike[0] if alike else 'another'}")
                keys[name] = put.value.get("key")
        return keys

    def reach(self, entries: Iterable[Entry], head: str, where: str) -> None:
        """Follow records up to and including the one whose hash is ``head``, and no further."""
        if self.position.head == head:
            return
        for entry in entries:
            self.follow(entry, where)
            if self.position.head == head:
                return
        raise Damaged(f"{where}: the committed head {head[:12]}… is not in the journal",
                      hint="gnt-cluster redist-conf repairs a candidate; gnt-cluster config verify")

    def seen(self, term: int, serial: int, where: str) -> None:
        """Refuse a head that is older than what this reader has seen."""
        if (term, serial) < (self.pin.term, self.pin.serial):
            raise Damaged(
                f"{where}: its configuration (term {term}, serial {serial}) is older than one seen "
                f"before (term {self.pin.term}, serial {self.pin.serial})",
                hint="was it restored from a backup? gnt-cluster redist-conf brings it up to date")


def _next(
    entry: Entry, at: Position, signers: Mapping[str, str], where: str,
) -> tuple[str, Txn, Position]:
    """Who signed a record, what it says and where it leads, if it is next and by one of these."""
    name = f"{where}, txn.{entry.serial}"
    if entry.serial != at.serial + 1:
        raise Damaged(f"{name}: the record after {at.serial} should be {at.serial + 1}")
    author = signature.verify(entry.body, entry.signature, name)
    if author not in signers:
        raise NotAuthorised(
            f"{name}: signed by {signature.fingerprint(author)}, who may not sign here")
    txn = journal.parse(entry, name)
    if txn.prev != at.head:
        raise Damaged(f"{name}: it does not follow the record before it")
    if (txn.term, txn.turn) < (at.term, at.turn):
        raise Damaged(f"{name}: term {txn.term}, turn {txn.turn} go back behind term "
                      f"{at.term}, turn {at.turn}")
    return author, txn, Position(
        term=txn.term, turn=txn.turn, serial=entry.serial, head=entry.hash, base=at.base,
        offset=at.offset + len(entry.record), time=txn.time)
