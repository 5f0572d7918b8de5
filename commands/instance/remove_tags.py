"""gnt-instance remove-tags."""

from __future__ import annotations

from gnt.commands._tags import RemoveTags


class InstanceRemoveTags(RemoveTags, command="instance remove-tags"):
    """Take tags away from an instance."""

    examples = (("gnt-instance remove-tags web env:test", "a tag that it has not is refused"),)
