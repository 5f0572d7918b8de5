"""What a node says of itself."""

from __future__ import annotations

from gnt.model.allocate import Room
from gnt.plan import Script, node_task, script


@node_task(deadline=10)
def memory() -> Script[Room]:
    """Memory of the node in MiB: all of it, and what new guests could have."""
    return script(
        """awk '
$1 == "MemTotal:" { total = $2 }
$1 == "MemAvailable:" { free = $2 }
END { print int(total / 1024), int(free / 1024) }' /proc/meminfo
""", parse=_room)


def _room(output: str) -> Room:
    total, free = output.split()
    return Room(total=int(total), free=int(free))
