"""Waiting until both copies of a disk are the same, with progress."""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.plan import Outcome, Progress, dialogue, script
from gnt.storage.drbd.answers import parse_copies
from gnt.storage.drbd.tasks import COPIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.plan import Context
    from gnt.storage.base import Copy

DAY = 86400.0
PATIENCE = 30  # looks at a connection that is lost before it is given up
PAUSE = 1.0  # seconds


class InStep(Outcome):
    """How the waiting ended."""

    problem: str = ""

    def told(self) -> str:
        return self.problem or "both copies are the same"


@dialogue(deadline=DAY)
def in_step(ctx: Context, where: str, minor: int, disk: str, need: bool) -> InStep:
    """Wait; ``need``: raise NodeFailed where it cannot come to that, else say so."""
    import time

    lost = 0
    while True:
        copy = ctx.script(script(COPIES, parse=parse_copies), 60.0).get(minor)
        if copy is not None and copy.whole:
            return InStep()
        lost = 0 if copy is not None and copy.moving else lost + 1
        if copy is None or lost > PATIENCE:
            problem = f"{disk} is not in step: {_said(copy)}"
            if not need:
                return InStep(problem=problem)
            raise NodeFailed(where, "failed", problem, task="storage.drbd.sync.in_step", status=1)
        if copy.moving:
            ctx.tell(_progress(disk, copy))
        time.sleep(PAUSE)


def _said(copy: Copy | None) -> str:
    if copy is None:
        return "its device is not there"
    return f"{copy.link}, {copy.here} here, {copy.there} on the other side"


def _progress(disk: str, copy: Copy) -> Progress:
    """In bytes; all that DRBD says of the whole is the share that is done."""
    total = round(copy.behind / max(0.001, 1 - copy.done / 100))
    speed = f", {copy.speed / 1024:.1f} MiB/s" if copy.speed else ""
    left = f", {copy.left} s left" if copy.left is not None else ""
    return Progress(what=f"bring {disk} in step{speed}{left}",
                    done=max(0, total - copy.behind) * 1024, total=total * 1024)
