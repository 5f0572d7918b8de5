"""gnt-instance list-tags."""

from __future__ import annotations

from gnt.commands._tags import ListTags


class InstanceListTags(ListTags, command="instance list-tags"):
    """List the tags of an instance, sorted, one on each line."""

    examples = (("gnt-instance list-tags web", "for scripts"),)
