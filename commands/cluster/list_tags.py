"""gnt-cluster list-tags."""

from __future__ import annotations

from gnt.commands._tags import ListTags


class ClusterListTags(ListTags, command="cluster list-tags"):
    """List the tags of the cluster, sorted, one on each line."""

    examples = (("gnt-cluster list-tags", "for scripts"),)
