"""gnt-node migrate."""

from __future__ import annotations

from gnt.commands.node._every import Every
from gnt.spec import opt
from gnt.values import BOOL, TEXT, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Migrate(Every, command="node migrate"):
    """Migrate all instances that are meant to run on a node to others, one after the other.

    Without -n each goes where the cluster is balanced best.  What cannot be migrated is named, and
    the rest goes on; gnt-node evacuate also takes along what is down.
    """

    rapi = "POST /2/nodes/{name}/migrate"
    examples = (
        ("gnt-node migrate -f node3", "before work on node3"),
        ("gnt-node migrate -f -n node1 node3", "all of them to node1"),
    )

    target_node: str = opt(TEXT, "node to move them to (default: the best for each)", default="",
                           short="-n", metavar="NODE")
    non_live: bool = opt(BOOL, "pause each while its memory is copied", default=False)
    migration_mode: str | None = opt(choice("live", "non-live"), "live or non-live", default=None)
    ignore_ipolicy: bool = opt(BOOL, "also when the target's policy does not allow it",
                               default=False)
    runtime_changes: bool = opt(BOOL, "their memory may be ballooned down to fit", default=True)

    def wanted(self) -> str:
        return self.target_node

    def options(self) -> dict[str, Any]:
        return {"non_live": self.non_live, "migration_mode": self.migration_mode,
                "ignore_ipolicy": self.ignore_ipolicy, "runtime_changes": self.runtime_changes}
