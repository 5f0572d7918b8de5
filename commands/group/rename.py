"""gnt-group rename."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.commands._edits import change
from gnt.commands.group._one import OfGroup
from gnt.model.names import check_name
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen


class Rename(OfGroup, command="group rename"):
    """Give a node group another name."""

    hook = "group-rename"
    rapi = "PUT /2/groups/{name}/rename"
    examples = (("gnt-group rename default rack1", "its nodes and instances do not notice"),)

    new_name: str = arg(TEXT, "its new name")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return {**_hooks.group(cfg.group(self.name).name), "OLD_NAME": self.name,
                "NEW_NAME": self.new_name}

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        cfg.require_new(Group, check_name(self.new_name, "group"))
        return Plan(end=(change(cfg.group(self.name), name=self.new_name),))
