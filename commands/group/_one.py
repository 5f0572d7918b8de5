"""What commands on one node group have in common."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config


class OfGroup(Operation):
    """An operation on the group that is named."""

    name: str = arg(TEXT, "group", complete="group")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return _hooks.group(cfg.group(self.name).name)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"groups/{cfg.group(self.name).uuid}",))
