"""gnt-network list-tags."""

from __future__ import annotations

from gnt.commands._tags import ListTags


class NetworkListTags(ListTags, command="network list-tags"):
    """List the tags of a network, sorted, one on each line."""

    examples = (("gnt-network list-tags lan", "for scripts"),)
