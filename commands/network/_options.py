"""What can be set for a network: the options that ``add`` and ``modify`` share."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model import address
from gnt.model.names import read_prefix
from gnt.spec import Command, opt
from gnt.values import IP, TEXT, Kind, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.objects import Network

PREFIX: Kind[str] = Kind(
    lambda text: "none" if text == "none" else read_prefix(text), "XX:XX:XX",
    "a MAC prefix: three hexadecimal octets, or none")


class NetworkOptions(Command):
    """Every option is None, or empty, when it is not given; ``none`` takes a value back."""

    gateway: str | None = opt(TEXT, "address of the router, or none", default=None)
    network6: str | None = opt(TEXT, "IPv6 network in CIDR notation, or none", default=None)
    gateway6: str | None = opt(TEXT, "IPv6 address of the router, or none", default=None)
    mac_prefix: str | None = opt(PREFIX, "the first three octets of MAC addresses in it",
                                 default=None, short="-m")
    add_reserved_ips: tuple[str, ...] = opt(
        words_of(IP), "addresses that instances never get", default=(), metavar="ADDRESS,…")

    def changed(self, network: Network) -> Network:
        """The network with everything that was given, but for reservations."""
        given = {name: getattr(self, name) for name in ("gateway", "network6", "gateway6",
                                                       "mac_prefix")}
        return network.replace(**{
            name: None if value == "none" else value
            for name, value in given.items() if value is not None})


def checked(network: Network) -> Network:
    """The network with its addresses in canonical form; refuses what does not fit together."""
    six = network.network6 and address.read_network(network.network6, "--network6", version=6)
    changes = {"network6": six}
    for name, inside in (("gateway", network.network), ("gateway6", six)):
        value = getattr(network, name)
        if value is None:
            continue
        if inside is None:
            raise Invalid(f"--{name}", "needs --network6")
        changes[name] = IP.read(value, f"--{name}")
        address.require_inside(inside, changes[name] or "", f"--{name}")
    return network.replace(**changes)
