"""gnt-group modify."""

from __future__ import annotations

from gnt.commands._edits import change, unchanged
from gnt.commands.group._one import OfGroup
from gnt.commands.group._options import GroupOptions
from gnt.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.spec import Seen


class Modify(GroupOptions, OfGroup, command="group modify"):
    """Change a node group's policy and parameters.

    A parameter with the value default goes back to the cluster's.
    """

    hook = "group-modify"
    rapi = "PUT /2/groups/{name}/modify"
    examples = (("gnt-group modify --alloc-policy last_resort rack2", "only when others are full"),)


    def plan(self, cfg: Config, seen: Seen) -> Plan:
        before = cfg.group(self.name)
        after = self.changed(before)
        if after == before:
            return unchanged(self)
        return Plan(end=(change(after),))
