"""A state in dictionaries that follows the journal: for replay, checks and small clusters."""

from __future__ import annotations

from gnt.config.snapshot import Snapshot, Snapshots
from gnt.config.trust import Position
from gnt.model.config import MemoryState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.config.journal import Txn


class FollowingState(MemoryState):
    """:class:`~gnt.model.config.MemoryState` that can be reset and that applies transactions."""

    def __init__(self) -> None:
        super().__init__({}, 0, 0, "")
        self.position = Position()
        self._snapshots = Snapshots(self)

    def reset(self, data: Mapping[str, Mapping[str, Any]], at: Position) -> None:
        self._snapshots.abandon(self.data)
        self._stand({section: dict(things) for section, things in data.items()}, at)

    def apply(self, txn: Txn, at: Position) -> None:
        self._snapshots.keep(txn)
        data: dict[str, dict[str, Any]] = self.data  # type: ignore[assignment]  # ours, made by reset
        for put in txn.put:
            section, _, name = put.path.partition("/")
            data.setdefault(section, {})[name] = put.value
        for path in txn.drop:
            section, _, name = path.partition("/")
            data.get(section, {}).pop(name, None)
        self._stand(data, at)

    def _stand(self, data: dict[str, dict[str, Any]], at: Position) -> None:
        self.data = data
        self.position = at
        self.term, self.serial, self.head = at.term, at.serial, at.head
        self._indexes = {}

    def everything(self) -> dict[str, dict[str, Any]]:
        return {section: dict(things) for section, things in self.data.items()}

    def snapshot(self) -> Snapshot:
        return self._snapshots.take()

    def refresh(self) -> None:
        return
