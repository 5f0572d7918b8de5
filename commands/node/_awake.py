"""Waiting for nodes that boot."""

from __future__ import annotations

from gnt.query.facts import node_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gnt.spec import Session

BOOT = 300  # seconds that nodes get to come up
LOOK = 2.0  # seconds between looks


def missing(
    session: Session, names: Iterable[str], *, seconds: float = BOOT, look: float = LOOK,
    before: Mapping[str, str] | None = None, clock: Callable[[], float] | None = None,
) -> set[str]:
    """Wait until the nodes answer; those that do not in time.

    ``before``: the ids of their last boots, which they must not be in any more.
    """
    import time

    now, old = clock or time.monotonic, before or {}
    latest = now() + seconds
    left = set(names)
    while left:
        calls = [node_facts.on(name) for name in sorted(left)]
        seen = session.ask(calls)
        left = {call.node for call in calls
                if seen.failed(call) is not None or seen[call].bootid == old.get(call.node)}
        if not left or now() > latest:
            break
        time.sleep(look)
    return left
