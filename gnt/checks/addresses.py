"""Nodes have the addresses that are recorded; the master, and nobody else, has the master's."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.plan import Script, node_task, script
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Node
    from gnt.plan import Call
    from gnt.spec import Seen

    Place = tuple[str, int]  # interface, length of the prefix


@node_task(deadline=20)
def addresses() -> Script[Mapping[str, Place]]:
    """The addresses of a node: the interface of each, and how long its network's prefix is."""
    return script("""ip -o address show | while read -r _ device _ address _; do
    echo "$address $device"
done
""", parse=_places)


def _places(output: str) -> dict[str, Place]:
    found = {}
    for line in output.splitlines():
        address, device = line.split(" ")
        ip, _, length = address.partition("/")  # none: the peer of a line has it
        found[ip] = device, natural(length) if length else longest(ip)
    return found


def longest(ip: str) -> int:
    return 128 if ":" in ip else 32


def unfit(cfg: Config, cluster: Cluster, has: Mapping[str, Place]) -> tuple[str, bool]:
    """(what is wrong with the length that the master's address is set with, whether that cuts the
    master off from nodes); empty when nothing is.  ``has``: the addresses of the master.

    A length of its own makes a route of its own.  A node that lies behind a narrower one is reached
    from the master's address, from which it lets nobody in.
    """
    import ipaddress

    ip, length = cluster.master_ip, cluster.master_netmask
    if length >= longest(ip):
        return "", False
    made = ipaddress.ip_network(f"{ip}/{length}", strict=False)
    for other, (device, real) in has.items():
        if device != cluster.master_netdev or other == ip or longest(other) != longest(ip):
            continue
        network = ipaddress.ip_network(f"{other}/{real}", strict=False)
        if length == real or ipaddress.ip_address(ip) not in network:
            continue
        wider = length < real
        said = (f"{ip}/{length} is {'wider' if wider else 'narrower'} than {network}, the network "
                f"of {device}")
        if wider:
            return f"{said}: what is outside of that is looked for on the wire, too", False
        behind = [node.name for node in cfg.nodes if node.uuid != cluster.master_node
                  and ipaddress.ip_address(node.primary_ip) in made]
        return f"{said}" + (f": {', '.join(behind[:5])} would be reached from {ip}, from where "
                            "nobody is let in" if behind else ""), bool(behind)
    return "", False


class Addresses(Check):
    codes = ("ENODENET",)

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (addresses.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for node in nodes:
            if seen.failed(addresses.on(node.name)) is not None:
                continue
            has = seen[addresses.on(node.name)]
            if node.secondary_ip != node.primary_ip and node.secondary_ip not in has:
                yield on_node(node, "ENODENET", f"does not have its secondary address "
                              f"{node.secondary_ip}")
            yield from _masters(cfg, node, has)


def _masters(cfg: Config, node: Node, has: Mapping[str, Place]) -> Iterator[Finding]:
    cluster = cfg.cluster
    if not cluster.master_ip or not cluster.master_netdev or cluster.use_external_mip_script:
        return
    device, length = has.get(cluster.master_ip, ("", 0))
    if node.uuid != cluster.master_node:
        if device:
            yield on_node(node, "ENODENET", f"has the master's address {cluster.master_ip} on "
                          f"{device}, and is not the master: gnt-cluster activate-master-ip")
    elif not device:
        yield on_node(node, "ENODENET", f"is the master without the master's address "
                      f"{cluster.master_ip}: gnt-cluster activate-master-ip", warning=True)
    elif device != cluster.master_netdev:
        yield on_node(node, "ENODENET", f"has the master's address on {device}, not on "
                      f"{cluster.master_netdev}")
    else:
        if length != cluster.master_netmask:
            yield on_node(node, "ENODENET", f"has the master's address as {cluster.master_ip}/"
                          f"{length}, not /{cluster.master_netmask}: gnt-cluster "
                          "activate-master-ip")
        wrong, cut_off = unfit(cfg, cluster, has)
        if wrong:
            yield on_node(node, "ENODENET", f"{wrong}: gnt-cluster modify --master-netmask "
                          f"{longest(cluster.master_ip)}", warning=not cut_off)


CHECK = Addresses()
