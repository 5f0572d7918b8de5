"""The history: it is the audit log, and every earlier state can be had from it.

A *chapter* is a base with the committed part of its journal; the head that a chapter ends with is
the one that the next begins after, so they form one chain.
"""

from __future__ import annotations

from gnt.config import base as bases
from gnt.config import canon, journal, signature
from gnt.config.memory_state import FollowingState
from gnt.config.trust import Position
from gnt.errors import Conflict, Damaged, NotFound
from gnt.model.objects import KINDS
from gnt.plan import Edit
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from gnt.config.base import Base
    from gnt.config.journal import Entry, Txn

    Data = Mapping[str, Mapping[str, Mapping[str, Any]]]

STAYS = ("jobs", "signers")  # what a rollback leaves as it is
OWN = ("master_node", "login_keys")  # and of the cluster: login keys come and go with signers
ROLE = ("master_candidate", "offline", "powered")  # and of nodes


class Chapter(Record):
    """``journal``: complete records only."""

    number: int
    base: bytes
    journal: bytes

    @property
    def where(self) -> str:
        return f"journal-{self.number}.toml"

    def entries(self) -> list[Entry]:
        entries, end = journal.split(self.journal, self.where)
        if end != len(self.journal):
            raise Damaged(f"{self.where}: it breaks off after byte {end}")
        return entries

    def parsed(self) -> Base:
        return bases.parse(self.base, f"base-{self.number}.toml")


def linked(older: Chapter, newer: Chapter) -> Chapter:
    """The older chapter up to where the newer begins; Damaged when they are not one history."""
    wanted = bases.start(newer.base)
    kept = b""
    if bases.start(older.base) == wanted:
        return older.replace(journal=b"")
    for entry in journal.split(older.journal, older.where)[0]:
        kept += entry.record
        if entry.hash == wanted:
            return older.replace(journal=kept)
    raise Damaged(f"base-{newer.number}.toml does not continue {older.where}")


def log(chapters: Sequence[Chapter]) -> Iterator[tuple[Entry, Txn]]:
    """All transactions, newest first."""
    for chapter in reversed(chapters):
        for entry in reversed(chapter.entries()):
            yield entry, journal.parse(entry, chapter.where)


def find(chapters: Sequence[Chapter], serial: int) -> tuple[Entry, Txn]:
    """One transaction; NotFound says which there are."""
    for chapter in chapters:
        for entry in chapter.entries():
            if entry.serial == serial:
                return entry, journal.parse(entry, chapter.where)
    raise _missing(chapters, serial)


def _missing(chapters: Sequence[Chapter], serial: int) -> NotFound:
    newest = max([entry.serial for entry in chapters[-1].entries()] or [chapters[-1].number])
    return NotFound(f"there is no transaction {serial} (kept are {chapters[0].number} to {newest})",
                    hint="gnt-cluster config log")


def plain(entry: Entry, txn: Txn) -> dict[str, Any]:
    """A transaction as data, with its serial, hash and signer's key."""
    public = signature.take_apart(entry.signature, f"txn.{entry.serial}").public
    return {"serial": entry.serial, "hash": entry.hash, "signer": public, **dict(txn.items()),
            "put": [{"path": put.path, "value": put.value} for put in txn.put],
            "drop": list(txn.drop)}


def state_at(chapters: Sequence[Chapter], serial: int) -> FollowingState:
    """The state after the transaction ``serial``."""
    begun = [chapter for chapter in chapters if chapter.number <= serial]
    if not begun:
        raise _missing(chapters, serial)
    chapter = begun[-1]
    state = FollowingState()
    base = chapter.parsed()
    state.reset(base.data, Position(serial=base.header.serial, term=base.header.term,
                                    turn=base.header.turn, head=base.head, base=chapter.number))
    for entry in chapter.entries():
        if entry.serial > serial:
            break
        txn = journal.parse(entry, chapter.where)
        state.apply(txn, Position(serial=entry.serial, term=txn.term, turn=txn.turn,
                                  head=entry.hash, base=chapter.number))
    if state.serial != serial:
        raise _missing(chapters, serial)
    return state


def text(path: str, data: Mapping[str, Any] | None) -> list[str]:
    """An object as the lines of its table; none when there is no such object."""
    if data is None:
        return []
    section, key = journal.check_path(path, "config")
    header = (section,) if section == "cluster" else (section, key)
    return canon.table(header, data).splitlines()


def object_at(state: FollowingState, path: str) -> Mapping[str, Any]:
    """One object; NotFound when there is none at that time."""
    section, key = journal.check_path(path, "config")
    found = state.load(section, key)
    if found is None:
        raise NotFound(f"there is no {path} in transaction {state.serial}",
                       hint=f"gnt-cluster config cat lists {', '.join(KINDS)} by section")
    return found


def paths(state: FollowingState, section: str) -> list[str]:
    """The paths of all objects of a section."""
    return [f"{section}/{key}" for key in state.keys(section)]


def differing(before: Data, after: Data, but: Sequence[str] = ()) -> list[str]:
    """The paths of what is not the same in two states."""
    found = []
    for section in KINDS:
        if section in but:
            continue
        old, new = before.get(section, {}), after.get(section, {})
        keys = list(dict.fromkeys([*old, *new]))
        found += [f"{section}/{key}" for key in keys if old.get(key) != new.get(key)]
    return found


def diff(before: FollowingState, after: FollowingState) -> list[str]:
    """What changed, as a unified diff of the objects' tables."""
    import difflib

    lines: list[str] = []
    for path in differing(before.data, after.data):
        section, _, key = path.partition("/")
        old, new = before.load(section, key), after.load(section, key)
        lines += difflib.unified_diff(
            text(path, old), text(path, new), f"{before.serial}:{path}", f"{after.serial}:{path}",
            n=1, lineterm="")
    return lines


def rollback(now: Data, then: Data) -> tuple[Edit, ...]:
    """The edits that set the objects of ``now`` back to ``then``.

    Jobs, signers, their keys, who is the master, and nodes' roles stay (ADR 0126); Conflict while
    jobs are pending.
    """
    pending = ", ".join(now.get("jobs", {}))
    if pending:
        raise Conflict(f"jobs are pending: {pending}", hint="gnt-job list; then wait or undo them")
    edits = []
    for path in differing(now, then, STAYS):
        section, _, key = path.partition("/")
        value, current = then.get(section, {}).get(key), now.get(section, {}).get(key)
        if section == "cluster" and value is not None and current is not None:
            value = _keeping(OWN, value, current)
        elif section == "nodes" and value is not None:
            # offline is proof for failover; a node that is not there now comes back by its gate
            value = _keeping(ROLE, value, {"offline": True} if current is None else current)
        if value != current:
            edits.append(Edit(path=path, value=value))
    return tuple(edits)


def _keeping(
    names: Sequence[str], then: Mapping[str, Any], now: Mapping[str, Any],
) -> dict[str, Any]:
    """``then``, but with these fields as they are now."""
    return {**{name: value for name, value in then.items() if name not in names},
            **{name: now[name] for name in names if name in now}}
