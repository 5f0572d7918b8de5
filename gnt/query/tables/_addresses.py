"""Which addresses of a network are taken; the first and the last always are."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from gnt.model.objects import Network


def usage_map(network: Network) -> str:
    """One character per address: X taken by anybody, . free."""
    size = _subnet(network).num_addresses
    rows = (network.reservations.ljust(size, "."), network.ext_reservations.ljust(size, "."))
    used = ["X" if "X" in pair else "." for pair in zip(*rows, strict=True)]
    used[0] = used[-1] = "X"
    return "".join(used)


def free(network: Network) -> int:
    return usage_map(network).count(".")


def taken(network: Network) -> int:
    return usage_map(network).count("X")


def external(network: Network) -> str:
    """The addresses kept for others, with commas; the first and the last belong to nobody."""
    subnet = _subnet(network)
    return ", ".join(str(subnet[at]) for at, sign in enumerate(network.ext_reservations)
                     if sign == "X")


def _subnet(network: Network) -> IPv4Network | IPv6Network:
    import ipaddress

    return ipaddress.ip_network(network.network, strict=False)
