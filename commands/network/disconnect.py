"""gnt-network disconnect."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.network._one import WithGroups
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.model.objects import Group
    from gnt.spec import Seen


class Disconnect(WithGroups, command="network disconnect"):
    """Disconnect a network from groups in which no instance uses it."""

    hook = "network-disconnect"
    rapi = "PUT /2/networks/{name}/disconnect"
    examples = (("gnt-network disconnect lan", "from every group that it is connected to"),)

    groups: tuple[str, ...] = args(TEXT, "groups (default: all connected ones)", default=(),
                                   complete="group")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        network = cfg.network(self.name)
        edits = []
        for group in self.chosen(cfg):
            if network.uuid not in group.networks:
                raise Conflict(f"network {network.name} is not connected to {group.name}",
                               hint=f"gnt-network info {network.name}")
            users = [
                inst.name for inst in cfg.instances
                if cfg.node(inst.primary_node).group == group.uuid
                and any(nic.network == network.uuid for nic in inst.nics)
            ]
            if users:
                raise Conflict(f"{', '.join(users[:5])} in {group.name} use network {network.name}",
                               hint="gnt-instance modify --net N:modify,network=none INSTANCE")
            left = {uuid: level for uuid, level in group.networks.items() if uuid != network.uuid}
            edits.append(change(group, networks=left))
        if not edits:
            raise Conflict(f"network {network.name} is connected to no group")
        return Plan(end=tuple(edits))

    def chosen(self, cfg: Config) -> list[Group]:
        if self.groups:
            return [cfg.group(name) for name in self.groups]
        uuid = cfg.network(self.name).uuid
        return [group for group in cfg.groups if uuid in group.networks]
