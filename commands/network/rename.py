"""gnt-network rename."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.network._one import OfNetwork
from gnt.model.names import check_name
from gnt.model.objects import Network
from gnt.plan import Plan
from gnt.spec import arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.spec import Seen


class Rename(OfNetwork, command="network rename"):
    """Give a network another name."""

    hook = "network-rename"
    rapi = "PUT /2/networks/{name}/rename"
    examples = (("gnt-network rename lan office", "instances keep their addresses"),)

    new_name: str = arg(TEXT, "its new name")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        cfg.require_new(Network, check_name(self.new_name, "network"))
        return Plan(end=(change(cfg.network(self.name), name=self.new_name),))
