"""gnt-network modify."""

from __future__ import annotations

from gnt.commands._edits import change, unchanged
from gnt.commands.network._one import OfNetwork
from gnt.commands.network._options import NetworkOptions, checked
from gnt.errors import Conflict
from gnt.model import address
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import IP, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.model.objects import Network
    from gnt.spec import Seen


class Modify(NetworkOptions, OfNetwork, command="network modify"):
    """Change a network's gateway, IPv6 network, MAC prefix or reserved addresses."""

    hook = "network-modify"
    rapi = "PUT /2/networks/{name}/modify"
    examples = (
        ("gnt-network modify --add-reserved-ips 192.0.2.9,192.0.2.10 lan", "never given out"),
        ("gnt-network modify --gateway none lan", "no router"),
    )

    remove_reserved_ips: tuple[str, ...] = opt(
        words_of(IP), "addresses that instances may get again", default=(), metavar="ADDRESS,…")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        before = cfg.network(self.name)
        after = self._reservations(cfg, checked(self.changed(before)))
        if after == before:
            return unchanged(self)
        return Plan(end=(change(after),))

    def _reservations(self, cfg: Config, network: Network) -> Network:
        for ip in self.add_reserved_ips:
            owner = address.owner(cfg, ip, network.uuid)
            if owner is not None:
                raise Conflict(f"--add-reserved-ips: {ip} belongs to instance {owner.name}",
                               hint=f"gnt-instance info {owner.name}")
        marks = address.reserve(network, self.add_reserved_ips, where="--add-reserved-ips")
        network = network.replace(ext_reservations=marks)
        marks = address.release(network, self.remove_reserved_ips, where="--remove-reserved-ips")
        return network.replace(ext_reservations=marks)
