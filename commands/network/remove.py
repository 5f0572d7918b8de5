"""gnt-network remove."""

from __future__ import annotations

from gnt.commands._edits import drop
from gnt.commands.network._one import OfNetwork
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.spec import Seen


class Remove(OfNetwork, command="network remove"):
    """Remove a network that no group is connected to any more."""

    hook = "network-remove"
    rapi = "DELETE /2/networks/{name}"
    examples = (("gnt-network remove lan", "after gnt-network disconnect lan"),)

    force: bool = opt(BOOL, "accepted; nothing is asked", default=False, short="-f", hidden=True)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        network = cfg.network(self.name)
        groups = [group.name for group in cfg.groups if network.uuid in group.networks]
        if groups:
            raise Conflict(f"network {network.name} is connected to {', '.join(groups)}",
                           hint=f"gnt-network disconnect {network.name}")
        users = [inst.name for inst in cfg.instances
                 if any(nic.network == network.uuid for nic in inst.nics)]
        if users:
            raise Conflict(f"network {network.name} is used by {', '.join(users[:5])}",
                           hint="gnt-instance modify --net N:modify,network=none INSTANCE")
        return Plan(end=(drop(network),))
