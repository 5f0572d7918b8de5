"""Rows about an instance's NICs: the n-th one's, and lists of all."""

from __future__ import annotations

from gnt.query.cells import UNAVAIL
from gnt.query.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gnt.model.inherit import NicParams
    from gnt.model.objects import Nic
    from gnt.query.view import View

    Read = Callable[[View, Nic, NicParams], Any]

MOST = 8


def _bridge(_: View, nic: Nic, params: NicParams) -> str | None:
    return params.link if params.mode == "bridged" else None


# name, its list, title of one, title of the list, what it is
_ROWS: tuple[tuple[str, str, str, str, str, Read], ...] = (
    ("bridge", "bridges", "NicBridge", "NIC_bridges", "bridge", _bridge),
    ("ip", "ips", "NicIP", "NIC_IPs", "IP address", lambda v, nic, p: nic.ip),
    ("link", "links", "NicLink", "NIC_links", "link", lambda v, nic, p: p.link),
    ("mac", "macs", "NicMAC", "NIC_MACs", "MAC address", lambda v, nic, p: nic.mac),
    ("mode", "modes", "NicMode", "NIC_modes", "mode", lambda v, nic, p: p.mode),
    ("name", "names", "NicName", "NIC_Names", "name", lambda v, nic, p: nic.name),
    ("network", "networks", "NicNetwork", "NIC_networks", "network's uuid",
     lambda v, nic, p: nic.network),
    ("network.name", "networks.names", "NicNetworkName", "NIC_networks_names", "network's name",
     lambda v, nic, p: v.network_name(nic.network)),
    ("uuid", "uuids", "NicUUID", "NIC_UUIDs", "uuid", lambda v, nic, p: nic.uuid),
    ("vlan", "vlans", "NicVLAN", "NIC_VLANs", "VLAN", lambda v, nic, p: p.vlan or None),
)
_FIRST = {  # old names for the first NIC
    "bridge": "bridge", "ip": "ip", "mac": "mac", "nic_link": "link", "nic_mode": "mode",
    "nic_network": "network",
}


def nics() -> Iterator[Field]:
    """All rows about NICs."""
    yield Field("nic.count", "NICs", "number", "Number of NICs", lambda v, i: len(i.nics))
    old = {row: name for name, row in _FIRST.items()}
    for name, plural, title, titles, what, read in _ROWS:
        yield Field(f"nic.{plural}", titles, "other", f"List of each NIC's {what}", _all(read))
        for at in range(MOST):
            yield Field(f"nic.{name}/{at}", f"{title}/{at}", "text", f"NIC {at}: {what}",
                        _one(read, at))
        if name in old:
            yield Field(old[name], f"{title}/0", "text", f"First NIC: {what}", _one(read, 0))


def _one(read: Read, at: int) -> Callable[[View, Any], Any]:
    def get(view: View, inst: Any) -> Any:
        if at >= len(inst.nics):
            return UNAVAIL
        value = read(view, inst.nics[at], view.nics(inst)[at])
        return UNAVAIL if value is None else value

    return get


def _all(read: Read) -> Callable[[View, Any], list[Any]]:
    return lambda view, inst: [
        read(view, nic, params) for nic, params in zip(inst.nics, view.nics(inst), strict=True)]
