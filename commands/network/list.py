"""``gnt-network list``."""

from __future__ import annotations

from gnt.query.listing import Listing
from gnt.spec import args
from gnt.values import TEXT


class NetworkList(Listing, command="network list"):
    """List IP networks.

    Without words all networks are listed.  Words are names, name patterns or one filter.
    """

    kind = "network"
    examples = (
        ("gnt-network list", "all networks with the groups they are connected to"),
        ("gnt-network list -o name,free_count,inst_list", "how full they are, and of whom"),
    )
    names: tuple[str, ...] = args(TEXT, "names, patterns, or one filter", default=(),
                                  complete="network")
