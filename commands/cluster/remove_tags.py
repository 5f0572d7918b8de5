"""gnt-cluster remove-tags."""

from __future__ import annotations

from gnt.commands._tags import RemoveTags


class ClusterRemoveTags(RemoveTags, command="cluster remove-tags"):
    """Take tags away from the cluster."""

    examples = (("gnt-cluster remove-tags rack:4 env:test", "a tag that it has not is refused"),)
