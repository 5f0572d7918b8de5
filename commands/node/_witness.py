"""A node that does not answer here may answer others: then it lives, whatever somebody says.

An admin's machine loses its way to a node more easily than the nodes do to one another.  What
counts is a pinned host key, which nobody else can show for long: that of a machine that runs.
"""

from __future__ import annotations

from gnt.checks.neighbours import sight
from gnt.errors import Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.checks.neighbours import View
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

MOST = 3


def looks(cfg: Config, node: Node) -> Iterator[Call[View]]:
    """Asks some other nodes, the master first, whether they see this one."""
    if not node.host_keys:
        return
    others = [other for other in cfg.online() if other.uuid != node.uuid]
    others.sort(key=lambda other: (other.uuid != cfg.cluster.master_node,
                                   not other.master_candidate))
    yield from (sight(cfg, other, node) for other in others[:MOST])


def seen_by(cfg: Config, node: Node, seen: Seen) -> str:
    """The node that sees it; empty when none does."""
    for call in looks(cfg, node):
        if seen.failed(call) is None and set(seen[call].keys) & set(node.host_keys):
            return call.node
    return ""


def require_unseen(cfg: Config, node: Node, seen: Seen) -> None:
    """Raise Conflict when another node sees it."""
    other = seen_by(cfg, node, seen)
    if other:
        raise Conflict(
            f"{node.name} does not answer here, but shows {other} its host key: it is not without "
            "power",
            hint=f"type it on {other}, or put right why {node.name} is not reached from here; or "
                 "switch that host off first")
