"""What the master candidates hold, against what they should."""

from __future__ import annotations

from gnt.checks.copies import Copy, copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


def wrong(session: Session) -> tuple[list[str], tuple[str, ...]]:
    """What is wrong with the candidates' copies, and who did not answer."""
    cfg = session.config()
    calls = [copy.on(node.name) for node in cfg.candidates]
    seen = session.ask(calls)
    held = session.ledger.digests()
    right = Copy(head=held["head"], base=held["base"], journal=held["journal"])
    found, silent = [], []
    for call in calls:
        failed = seen.failed(call)
        why = "" if failed else seen[call].differs(right)
        if failed is not None and failed.kind != "failed":
            silent.append(failed.message)
        elif failed is not None:
            found.append(f"{call.node}: what it holds cannot be read: {failed.stderr.strip()}")
        elif why:
            found.append(f"{call.node}: its copy {why}")
    return found, tuple(silent)
