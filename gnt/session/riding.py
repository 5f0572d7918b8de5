"""The signed store of a session: its copy, and turns that travel beside other frames."""

from __future__ import annotations

from contextlib import suppress

from gnt.errors import Busy, GntError, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from gnt.config.context import Context
    from gnt.config.replica import Replica
    from gnt.config.store import SignedStore
    from gnt.engine.ports import Change, Frames, Reply
    from gnt.model.config import Config

TURN_DEADLINE = 35.0  # seconds: another driver's turn may have to end first


class Riding:
    """``engine.ports.Store``."""

    def __init__(self, signed: SignedStore, frames: Frames) -> None:
        self.signed, self._frames = signed, frames
        self._coming: tuple[str, Callable[[], dict[str, Reply | NodeFailed]]] | None = None

    def read(self) -> Config:
        self._arrive()
        return self.signed.read()

    def take_turn(self) -> None:
        ridden = None if self._coming else self.signed.turn_frame()
        if ridden is not None:
            node, frame = ridden
            self._coming = node, self._frames.send({node: frame}, deadline=TURN_DEADLINE)

    def give_turn(self) -> None:
        """Called where something failed: nothing here may hide that."""
        with suppress(GntError):
            self._arrive()
            self.signed.release()

    def commit(self, make: Callable[[Config], Change], *, attempts: int = 8) -> Config:
        self._arrive()
        return self.signed.commit(make, attempts=attempts)

    def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]:
        return self.signed.history(newest=newest)

    def record_of(self, job: str) -> tuple[bytes, bytes]:
        return self.signed.record_of(job)

    def _arrive(self) -> None:
        """Take in the turn that was asked for.  One that did not come is asked for by the commit,
        which then says why it cannot be had."""
        if self._coming is not None:
            (node, collect), self._coming = self._coming, None
            try:
                self.signed.accept_turn(node, collect()[node])
            except (NodeFailed, Busy):
                return


def copy_of(context: Context) -> Replica:
    """This machine's copy of the state that a context means."""
    import os

    from gnt.config.disk import CacheDisk
    from gnt.config.replica import Replica
    from gnt.config.sqlite_state import SqliteState
    from gnt.config.trust import Pin

    folder, seen = context.directory, context.seen
    for needed in (f"{folder}/config", os.path.dirname(seen)):
        os.makedirs(needed, 0o700, exist_ok=True)
    return Replica(CacheDisk(f"{folder}/config"), SqliteState(f"{folder}/state.sqlite"),
                   Pin(signers=context.signers, cluster=context.cluster), seen=seen)
