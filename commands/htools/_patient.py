"""Going on after nodes were rebooted, which broke the connections to them."""

from __future__ import annotations

from gnt.commands.node import _awake
from gnt.errors import Conflict, GntError, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from gnt.spec import Operation, Session

    T = TypeVar("T")

TRIES = 20  # with _awake.LOOK seconds between: longer than ssh.peers.REST, in which who has met a
# dead node does not try it again (the runner is another process, and has not seen it come up)


class Patient:
    """A session whose jobs are asked for again when a connection of before a reboot broke.

    That shows while a job is planned, when it has not changed anything yet.
    """

    def __init__(self, session: Session, *, offline: bool = False) -> None:
        """``offline``: the nodes were, and jobs that end this are refused while one is silent."""
        self._session = session
        self._passing = {NodeFailed.exit_code, *([Conflict.exit_code] if offline else [])}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, operation: Operation) -> int:
        return self._again(lambda: self._session.execute(operation))

    def submit(self, operation: Operation) -> tuple[str, ...]:
        return self._again(lambda: self._session.submit(operation))

    def _again(self, act: Callable[[], T]) -> T:
        import time

        for _ in range(TRIES):
            try:
                return act()
            except GntError as error:
                if error.exit_code not in self._passing:
                    raise
                time.sleep(_awake.LOOK)
        return act()
