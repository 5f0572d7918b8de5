"""gnt-network remove-tags."""

from __future__ import annotations

from gnt.commands._tags import RemoveTags


class NetworkRemoveTags(RemoveTags, command="network remove-tags"):
    """Take tags away from a network."""

    examples = (("gnt-network remove-tags lan vlan:7", "a tag that it has not is refused"),)
