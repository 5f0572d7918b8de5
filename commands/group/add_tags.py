"""gnt-group add-tags."""

from __future__ import annotations

from gnt.commands._tags import AddTags


class GroupAddTags(AddTags, command="group add-tags"):
    """Add tags to a group."""

    examples = (("gnt-group add-tags default fast", "one that it has already stays"),)
