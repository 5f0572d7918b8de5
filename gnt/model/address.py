"""Addresses of NICs and the pools of networks.

Which addresses are taken follows from the NICs that have them; a network stores only what somebody
reserved by hand (``ext_reservations``), one character per address of the network.
"""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.model.objects import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from ipaddress import IPv4Network, IPv6Network

    from gnt.model.config import Config
    from gnt.model.objects import Network

SMALLEST, LARGEST = 30, 16  # prefix lengths of networks that have a pool


def read_network(text: str, where: str, *, version: int = 4) -> str:
    """A network in CIDR notation; IPv4 from /16 to /30, because it gets a pool."""
    import ipaddress

    try:
        net = ipaddress.ip_network(text)
    except ValueError as error:
        raise Invalid(where, f"{text!r} is not a network in CIDR notation: {error}",
                      hint="for example 192.0.2.0/24") from None
    if net.version != version:
        raise Invalid(where, f"{text} is not an IPv{version} network")
    if version == 4 and not LARGEST <= net.prefixlen <= SMALLEST:
        raise Invalid(where, f"{text} has a prefix outside /{LARGEST} to /{SMALLEST}")
    return str(net)


def _net(text: str) -> IPv4Network | IPv6Network:
    import ipaddress

    return ipaddress.ip_network(text)


def inside(network: str, ip: str) -> bool:
    import ipaddress

    return ipaddress.ip_address(ip) in _net(network)


def require_inside(network: str, ip: str, where: str) -> None:
    if not inside(network, ip):
        raise Invalid(where, f"{ip} is not in {network}")


def position(network: str, ip: str) -> int:
    """The place of an address in its network's reservations."""
    import ipaddress

    return int(ipaddress.ip_address(ip)) - int(_net(network).network_address)


def reserved(net: Network, ip: str) -> bool:
    """Whether somebody reserved it by hand, or it is an end of the network, or its gateway."""
    index = position(net.network, ip)
    ends = (0, _net(net.network).num_addresses - 1)
    return index in ends or ip == net.gateway or net.ext_reservations[index : index + 1] == "X"


def reserve(net: Network, ips: Iterable[str], *, where: str) -> str:
    """The reservations with more addresses in them."""
    return _marked(net, ips, ".", "X", where)


def release(net: Network, ips: Iterable[str], *, where: str) -> str:
    """The reservations with fewer addresses in them."""
    return _marked(net, ips, "X", ".", where)


def _marked(net: Network, ips: Iterable[str], before: str, after: str, where: str) -> str:
    size = _net(net.network).num_addresses
    marks = list(net.ext_reservations.ljust(size, "."))
    for ip in ips:
        require_inside(net.network, ip, where)
        index = position(net.network, ip)
        if marks[index] != before:
            state = "already" if after == "X" else "not"
            raise Conflict(f"{where}: {ip} is {state} reserved in {net.name}",
                           hint=f"gnt-network info {net.name}")
        marks[index] = after
    return "".join(marks).rstrip(".")


def owner(cfg: Config, ip: str, network: str | None) -> Instance | None:
    """The instance with a NIC of this address in this network (None: in no network)."""
    for inst in cfg.found(Instance, "nic.ip", ip):
        if any(nic.ip == ip and nic.network == network for nic in inst.nics):
            return inst
    return None


def first_free(cfg: Config, net: Network, beside: Container[str]) -> str:
    """The lowest free address of a network's pool, also not among ``beside``."""
    for address in _net(net.network).hosts():
        ip = str(address)
        if ip not in beside and not reserved(net, ip) and not owner(cfg, ip, net.uuid):
            return ip
    raise Conflict(f"network {net.name} ({net.network}) has no free address",
                   hint=f"gnt-network modify --remove-reserved-ips ADDRESS {net.name}")


def holder_of(cfg: Config, ip: str) -> str:
    """What else has this address: a node, the cluster, a network's gateway; empty when nothing."""
    nodes = cfg.state.find("node.primary_ip", ip)
    if nodes:
        return f"node {cfg.node(nodes[0]).name}"
    if ip == cfg.cluster.master_ip:
        return "the cluster's master address"
    return ""


def network_of(cfg: Config, ip: str) -> Network | None:
    """The network an address lies in, or None."""
    return next((net for net in cfg.networks if inside_any(net, ip)), None)


def inside_any(net: Network, ip: str) -> bool:
    return inside(net.network, ip) or bool(net.network6 and inside(net.network6, ip))


def overlap(one: str, other: str) -> bool:
    """Whether two networks share an address."""
    first, second = _net(one), _net(other)
    return int(first[0]) <= int(second[-1]) and int(second[0]) <= int(first[-1])


def size(network: str) -> int:
    return _net(network).num_addresses


def reserved_by_hand(net: Network) -> tuple[str, ...]:
    """The addresses that somebody reserved."""
    return tuple(str(_net(net.network)[index])
                 for index, mark in enumerate(net.ext_reservations) if mark == "X")
