"""From what came back over a shell to answers of tasks, or to the reason why there is none."""

from __future__ import annotations

from gnt.errors import Damaged, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.engine.ports import Reply
    from gnt.plan import Script
    from gnt.ssh.shell import Pending


def answer(node: str, task: str, script: Script[Any], reply: Reply) -> Any:
    """The parsed answer of a script that ended, or a NodeFailed."""
    err = reply.err.decode("utf-8", "replace")
    if reply.status:
        why = f"exit status {reply.status}"
        return NodeFailed(node, "failed", why, task=task, status=reply.status, stderr=err)
    try:
        return script.answer(reply.out.decode("utf-8", "replace"))
    except Damaged as error:
        return NodeFailed(node, "failed", error.message, task=task, status=0, stderr=err)


def broken(node: str, pending: Pending, task: str, now: float) -> NodeFailed:
    """Why a batch ended before the script of ``task`` did."""
    outcome, _, detail = pending.outcome.partition(" ")
    if outcome == "lost" and now >= pending.due:
        outcome = "timeout"
    kind, problem, hint = _REASONS.get(outcome, _REASONS["lost"])
    seconds = pending.batch.scripts[min(len(pending.replies), len(pending.batch.scripts) - 1)].limit
    return NodeFailed(
        node, kind,
        problem.format(term=pending.batch.term, detail=detail, seconds=seconds,
                       fence=pending.batch.fence),
        task=task, hint=hint,
    )


_REASONS = {
    "timeout": (
        "timeout", "no answer in {seconds:g} s; what was asked for may or may not have happened",
        "look what hangs there (ps -ef, dmesg), then repeat the command: it goes on from there",
    ),
    "lost": (
        "lost", "the connection broke; what was asked for may or may not have happened",
        "repeat the command: it looks first and goes on where it stopped",
    ),
    "flood": ("failed", "it printed more than 64 MiB", ""),
    "garbled": (
        "lost", "what its shell answers makes no sense; what was asked for may have happened",
        "does something on the node write into other processes' terminals, or is it not to be "
        "trusted? look at its /bin/sh",
    ),
    "refused": (
        "failed", "it is hardened and refuses {detail}",
        "is your key a signer, and does the node know it? gnt-cluster signer list; "
        "gnt-cluster redist-conf tells the nodes",
    ),
    "fenced": (
        "fenced",
        "it follows term {detail} and refuses this command, which is of term {term}: there has "
        "been a master-failover since",
        "read the configuration anew from the new master: gnt-cluster getmaster",
    ),
    "unwritable": (
        "failed", "it cannot record the term {term} in /var/lib/gnt/term",
        "is its file system full or read-only? df /var/lib/gnt",
    ),
    "nofence": (
        "failed", "it cannot lock /run/gnt/fence/{fence}",
        "is /run full or read-only there? is flock (util-linux) installed?",
    ),
}
