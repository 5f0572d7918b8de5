"""gnt-node remove-tags."""

from __future__ import annotations

from gnt.commands._tags import RemoveTags


class NodeRemoveTags(RemoveTags, command="node remove-tags"):
    """Take tags away from a node."""

    examples = (("gnt-node remove-tags node2 rack:4", "a tag that it has not is refused"),)
