"""A state frozen at one serial, while the state under it follows the journal.

A :class:`~gnt.model.config.Config` must not change under its reader.  Copying forty thousand
objects for it would cost more than the commit; so the objects that a transaction replaces are
handed to the snapshots that are still in use.
"""

from __future__ import annotations

from gnt.model.config import INDEXES, MemoryState, index_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.config.journal import Txn
    from gnt.model.config import State

    Data = Mapping[str, Any]


class Snapshot:
    """A :class:`~gnt.model.config.State`: ``state`` as it was when this was made."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._before: dict[tuple[str, str], Data | None] = {}
        self.term, self.serial, self.head = state.term, state.serial, state.head

    def keep(self, txn: Txn) -> None:
        """Remember what a transaction is about to replace."""
        for path in txn.paths:
            section, key = _place(path)
            if (section, key) not in self._before:
                self._before[section, key] = self._state.load(section, key)

    def settle(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on with these dictionaries, which nobody changes any more."""
        self._state = MemoryState(data, self.term, self.serial, self.head)

    def load(self, kind: str, key: str) -> Data | None:
        if (kind, key) in self._before:
            return self._before[kind, key]
        return self._state.load(kind, key)

    def keys(self, kind: str) -> Iterable[str]:
        known = {key: data for (section, key), data in self._before.items() if section == kind}
        found = [key for key in self._state.keys(kind) if known.get(key, key) is not None]
        present = set(found)
        return found + [k for k, data in known.items() if data is not None and k not in present]

    def find(self, index: str, value: str) -> tuple[str, ...]:
        known = {key: data for (section, key), data in self._before.items()
                 if section == INDEXES[index][0]}
        found = [key for key in self._state.find(index, value) if key not in known]
        return (*found, *(key for key, data in known.items()
                          if data is not None and value in index_values(index, data)))


class Ahead(Snapshot):
    """A state as transactions that are not committed yet will leave it; it does not change."""

    def after(self, txn: Txn, serial: int, head: str) -> Ahead:
        """This one, and a transaction more."""
        made = Ahead(self._state)
        made._before = {**self._before, **{_place(path): None for path in txn.drop},
                        **{_place(put.path): put.value for put in txn.put}}
        made.term, made.serial, made.head = txn.term, serial, head
        return made


def _place(path: str) -> tuple[str, str]:
    section, _, key = path.partition("/")
    return section, key


class Snapshots:
    """The snapshots of one state that somebody still holds."""

    def __init__(self, state: State) -> None:
        import weakref

        self._state = state
        self._held: weakref.WeakSet[Snapshot] = weakref.WeakSet()

    def take(self) -> Snapshot:
        made = Snapshot(self._state)
        self._held.add(made)
        return made

    def keep(self, txn: Txn) -> None:
        for snapshot in self._held:
            snapshot.keep(txn)

    def abandon(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """The state begins anew: what is held goes on with the data there was."""
        for snapshot in self._held:
            snapshot.settle(data)
        self._held.clear()
