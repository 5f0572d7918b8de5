"""gnt-network remove."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.commands._edits import drop
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen


class Remove(Operation, command="network remove"):
    """Remove a network that no group is connected to any more."""

    hook = "network-remove"
    rapi = "DELETE /2/networks/{name}"
    examples = (("gnt-network remove lan", "after gnt-network disconnect lan"),)

    name: str = arg(TEXT, "network", complete="network")
    force: bool = opt(BOOL, "accepted; nothing is asked", default=False, short="-f", hidden=True)

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        network = cfg.network(self.name)
        return _hooks.network(network.name, network)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"networks/{cfg.network(self.name).uuid}",))

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
