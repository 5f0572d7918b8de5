"""gnt-node add-tags."""

from __future__ import annotations

from gnt.commands._tags import AddTags


class NodeAddTags(AddTags, command="node add-tags"):
    """Add tags to a node."""

    examples = (("gnt-node add-tags node2 rack:4", "one that it has already stays"),)
