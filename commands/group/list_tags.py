"""gnt-group list-tags."""

from __future__ import annotations

from gnt.commands._tags import ListTags


class GroupListTags(ListTags, command="group list-tags"):
    """List the tags of a group, sorted, one on each line."""

    examples = (("gnt-group list-tags default", "for scripts"),)
