"""gnt-group remove."""

from __future__ import annotations

from gnt.commands._edits import drop
from gnt.commands.group._one import OfGroup
from gnt.errors import Conflict
from gnt.model.objects import Node
from gnt.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.spec import Seen


class Remove(OfGroup, command="group remove"):
    """Remove a node group that has no nodes.  The last group stays."""

    hook = "group-remove"
    rapi = "DELETE /2/groups/{name}"
    examples = (("gnt-group remove rack2", "once gnt-group assign-nodes has emptied it"),)


    def plan(self, cfg: Config, seen: Seen) -> Plan:
        group = cfg.group(self.name)
        nodes = [node.name for node in cfg.found(Node, "node.group", group.uuid)]
        if nodes:
            raise Conflict(f"group {group.name} has nodes: {', '.join(nodes[:5])}",
                           hint=f"gnt-group assign-nodes GROUP {nodes[0]}")
        if len(cfg.groups) == 1:
            raise Conflict(f"{group.name} is the last group", hint="a cluster has at least one")
        return Plan(end=(drop(group),))
