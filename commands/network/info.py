"""gnt-network info."""

from __future__ import annotations

from gnt.commands._show import drop_empty, stamp
from gnt.model import address
from gnt.spec import Document, Query, args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Network
    from gnt.spec import Seen


class Info(Query, command="network info"):
    """Show networks: addresses and who has them, connected groups."""

    rapi = "GET /2/networks/{name}"
    examples = (("gnt-network info lan", "one network"), ("gnt-network info", "all of them"))

    names: tuple[str, ...] = args(TEXT, "networks (default: all)", default=(), complete="network")

    def answer(self, cfg: Config, seen: Seen) -> Document:
        chosen = [cfg.network(name) for name in self.names] if self.names else cfg.networks
        return Document(content=[_one(cfg, network) for network in chosen])


def _one(cfg: Config, network: Network) -> dict[str, Any]:
    used = {
        f"{inst.name} NIC {index}": nic.ip
        for inst in cfg.instances for index, nic in enumerate(inst.nics)
        if nic.network == network.uuid
    }
    reserved = address.reserved_by_hand(network)
    taken = {ip for ip in used.values() if ip and address.inside(network.network, ip)}
    held = taken | set(reserved) | ({network.gateway} if network.gateway else set())
    size = address.size(network.network)
    return drop_empty({
        "Network name": network.name,
        "UUID": network.uuid,
        "Serial number": network.serial_no,
        "Creation time": stamp(network.ctime),
        "Modification time": stamp(network.mtime),
        "Subnet": network.network,
        "Gateway": network.gateway,
        "IPv6 Subnet": network.network6,
        "IPv6 Gateway": network.gateway6,
        "Mac Prefix": network.mac_prefix,
        "Size": size,
        "Free": size - 2 - len(held),
        "Externally reserved IPs": list(reserved),
        "Connected to node groups": {
            group.name: dict(group.networks[network.uuid])
            for group in cfg.groups if network.uuid in group.networks},
        "Used by": used,
        "Tags": list(network.tags),
    })
