"""gnt-group modify."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.commands._edits import change
from gnt.commands.group._options import GroupOptions
from gnt.errors import Invalid
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen


class Modify(GroupOptions, Operation, command="group modify"):
    """Change a node group's policy and parameters.

    A parameter with the value default goes back to the cluster's.
    """

    hook = "group-modify"
    rapi = "PUT /2/groups/{name}/modify"
    examples = (("gnt-group modify --alloc-policy last_resort rack2", "only when others are full"),)

    name: str = arg(TEXT, "group", complete="group")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return _hooks.group(cfg.group(self.name).name)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"groups/{cfg.group(self.name).uuid}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        before = cfg.group(self.name)
        after = self.changed(before)
        changes = {name: value for name, value in after.items() if getattr(before, name) != value}
        if not changes:
            raise Invalid("", "nothing to change is given, or it is as it was",
                          hint="gnt-group modify --help")
        return Plan(end=(change(before, **changes),))
