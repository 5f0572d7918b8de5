"""gnt-group add."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.commands._edits import put
from gnt.commands.group._options import GroupOptions
from gnt.model.names import check_name, new_uuid
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen


class Add(GroupOptions, Operation, command="group add"):
    """Create a node group: nodes with a policy and parameters of their own."""

    hook = "group-add"
    rapi = "POST /2/groups"
    examples = (
        ("gnt-group add rack2", "empty; gnt-group assign-nodes fills it"),
        ("gnt-group add --alloc-policy unallocable --ipolicy-vcpu-ratio 2 lab", "with settings"),
    )

    name: str = arg(TEXT, "name of the new group")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return _hooks.group(self.name)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"groups/{new_uuid(cfg, 'group', self.name)}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        check_name(self.name, "group")
        cfg.require_new(Group, self.name)
        group = Group(uuid=new_uuid(cfg, "group", self.name), name=self.name)
        return Plan(end=(put(self.changed(group)),))
