"""Fields of networks."""

from __future__ import annotations

from gnt.query.field import Field, attribute, tabled
from gnt.query.tables._addresses import external, free, taken, usage_map
from gnt.query.tables._thing import thing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT = ("name", "network", "gateway", "mac_prefix", "group_list", "tags")


def _groups(view: Any, network: Any) -> list[str]:
    """``group (mode, link)`` for each group the network is connected to."""
    return [f"{group.name} ({params.get('mode', '-')}, {params.get('link', '-')})"
            for group in view.cfg.groups
            for uuid, params in group.networks.items() if uuid == network.uuid]


FIELDS = tabled(
    thing("network"),
    Field("external_reservations", "ExternalReservations", "text",
          "Addresses that are kept for others", lambda v, n: external(n)),
    Field("free_count", "FreeCount", "number", "Number of free addresses",
          lambda v, n: free(n)),
    Field("gateway", "Gateway", "other", "Its IPv4 gateway", attribute("gateway")),
    Field("gateway6", "IPv6Gateway", "other", "Its IPv6 gateway", attribute("gateway6")),
    Field("group_cnt", "NodeGroups", "number", "Number of groups it is connected to",
          lambda v, n: len(_groups(v, n))),
    Field("group_list", "GroupList", "other", "The groups it is connected to, with mode and link",
          _groups),
    Field("inst_cnt", "Instances", "number", "Number of instances in it",
          lambda v, n: len(v.users(n))),
    Field("inst_list", "InstanceList", "other", "Instances in it", lambda v, n: v.users(n)),
    Field("mac_prefix", "MacPrefix", "other", "How MAC addresses in it begin",
          attribute("mac_prefix")),
    Field("map", "Map", "text", "Every address: X taken, . free", lambda v, n: usage_map(n)),
    Field("name", "Network", "text", "Its name", attribute("name")),
    Field("network", "Subnet", "text", "Its IPv4 addresses", attribute("network")),
    Field("network6", "IPv6Subnet", "other", "Its IPv6 addresses", attribute("network6")),
    Field("reserved_count", "ReservedCount", "number", "Number of taken addresses",
          lambda v, n: taken(n)),
)
