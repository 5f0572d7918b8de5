"""``--gone NODE``: a word that is not taken against the node's own (ADR 0125)."""

from __future__ import annotations

from gnt.commands.node import _setup, _witness
from gnt.errors import Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from gnt.spec import Session


def require_silent(session: Session, names: Collection[str]) -> None:
    """Raise Conflict when one of the nodes answers: what a job began there would be left."""
    if not names:
        return
    cfg = session.config()
    nodes = [cfg.node(name) for name in names]
    online = [node for node in nodes if not node.offline]
    calls = [_setup.inspect.on(node.name) for node in online]
    seen = session.ask([*calls, *(look for node in online for look in _witness.looks(cfg, node))])
    for call in calls:
        if seen.failed(call) is None:
            raise Conflict(
                f"{call.node} answers: it is not gone, and what the job began there would be left, "
                "perhaps a guest that then runs twice",
                hint="leave out --gone; if the job cannot be ended so, switch that host off first")
    for node in online:
        _witness.require_unseen(cfg, node, seen)
