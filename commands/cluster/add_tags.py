"""gnt-cluster add-tags."""

from __future__ import annotations

from gnt.commands._tags import AddTags


class ClusterAddTags(AddTags, command="cluster add-tags"):
    """Add tags to the cluster."""

    examples = (("gnt-cluster add-tags rack:4 env:test", "one that it has already stays"),)
