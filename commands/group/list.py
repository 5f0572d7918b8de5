"""``gnt-group list``."""

from __future__ import annotations

from gnt.query.listing import Listing
from gnt.spec import args
from gnt.values import TEXT


class GroupList(Listing, command="group list"):
    """List node groups.

    Without words all groups are listed.  Words are names, name patterns or one filter.
    """

    kind = "group"
    examples = (
        ("gnt-group list", "all groups with the number of their nodes and instances"),
        ("gnt-group list -o name,node_list,ipolicy rack1", "one group in detail"),
    )
    names: tuple[str, ...] = args(TEXT, "names, patterns, or one filter", default=(),
                                  complete="group")
