"""gnt-network add."""

from __future__ import annotations

from gnt.commands import _hooks
from gnt.commands._edits import put
from gnt.commands.network._options import NetworkOptions, checked
from gnt.errors import Conflict
from gnt.model import address
from gnt.model.names import check_name, new_uuid
from gnt.model.objects import Network
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, TAG, TEXT, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen


class Add(NetworkOptions, Operation, command="network add"):
    """Create an IP network from whose pool instances get addresses.

    Instances can use it in the groups that it is connected to.  The first and the last address
    and the gateway are never given out.
    """

    hook = "network-add"
    rapi = "POST /2/networks"
    examples = (
        ("gnt-network add --network 192.0.2.0/24 --gateway 192.0.2.1 lan", "254 addresses"),
        ("gnt-network add --network 198.51.100.0/28 --add-reserved-ips 198.51.100.9 dmz",
         "one address is somebody else's"),
    )

    name: str = arg(TEXT, "name of the new network")
    network: str = opt(TEXT, "its addresses, in CIDR notation: /16 to /30", metavar="CIDR")
    conflicts_check: bool = opt(BOOL, "reserve addresses that nodes have", default=True)
    tags: tuple[str, ...] = opt(words_of(TAG), "tags, separated by commas", default=(),
                                metavar="TAG,…")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return {**_hooks.network(self.name), "NETWORK_SUBNET": self.network}

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"networks/{new_uuid(cfg, 'network', self.name)}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        check_name(self.name, "network")
        cfg.require_new(Network, self.name)
        cidr = address.read_network(self.network, "--network")
        for other in cfg.networks:
            if address.overlap(cidr, other.network):
                raise Conflict(f"{cidr} overlaps {other.network} of network {other.name}",
                               hint=f"gnt-network info {other.name}")
        network = Network(uuid=new_uuid(cfg, "network", self.name), name=self.name, network=cidr,
                          tags=self.tags)
        network = checked(self.changed(network))
        return Plan(end=(put(network.replace(ext_reservations=self._reserved(cfg, network))),))

    def _reserved(self, cfg: Config, network: Network) -> str:
        """What was reserved by hand, and the addresses of nodes."""
        ips = list(self.add_reserved_ips)
        if self.conflicts_check:
            own = {ip for node in cfg.nodes for ip in (node.primary_ip, node.secondary_ip)}
            ips += [ip for ip in sorted(own - {network.gateway})
                    if address.inside(network.network, ip) and ip not in ips]
        return address.reserve(network, ips, where="--add-reserved-ips")
