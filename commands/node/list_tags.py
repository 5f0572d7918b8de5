"""gnt-node list-tags."""

from __future__ import annotations

from gnt.commands._tags import ListTags


class NodeListTags(ListTags, command="node list-tags"):
    """List the tags of a node, sorted, one on each line."""

    examples = (("gnt-node list-tags node2", "for scripts"),)
