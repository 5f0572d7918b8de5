"""What the master candidates hold, against what they should."""

from __future__ import annotations

import time

from gnt.checks.copies import Copy, copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


LOOKS, PAUSE = 4, 0.5  # a commit does not wait for all: the last ones get it a moment later


def wrong(session: Session) -> tuple[list[str], tuple[str, ...]]:
    """What is wrong with the candidates' copies, and who did not answer."""
    for _ in range(LOOKS - 1):
        found, silent, behind = _compared(session)
        if not behind:
            return found, silent
        time.sleep(PAUSE)
    return _compared(session)[:2]


def _compared(session: Session) -> tuple[list[str], tuple[str, ...], bool]:
    """The same of this moment, and whether some are only behind."""
    cfg = session.config()
    calls = [copy.on(node.name) for node in cfg.candidates]
    seen = session.ask(calls)
    held = session.ledger.digests()
    right = Copy(head=held["head"], base=held["base"], journal=held["journal"])
    found, silent, behind = [], [], False
    for call in calls:
        failed = seen.failed(call)
        why = "" if failed else seen[call].differs(right)
        if failed is not None and failed.kind != "failed":
            silent.append(failed.message)
        elif failed is not None:
            found.append(f"{call.node}: what it holds cannot be read: {failed.stderr.strip()}")
        elif why:
            found.append(f"{call.node}: its copy {why}")
            behind = behind or seen[call].serial < right.serial
    return found, tuple(silent), behind
