"""gnt-network add-tags."""

from __future__ import annotations

from gnt.commands._tags import AddTags


class NetworkAddTags(AddTags, command="network add-tags"):
    """Add tags to a network."""

    examples = (("gnt-network add-tags lan vlan:7", "one that it has already stays"),)
