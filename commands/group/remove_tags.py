"""gnt-group remove-tags."""

from __future__ import annotations

from gnt.commands._tags import RemoveTags


class GroupRemoveTags(RemoveTags, command="group remove-tags"):
    """Take tags away from a group."""

    examples = (("gnt-group remove-tags default fast", "a tag that it has not is refused"),)
