"""gnt-instance add-tags."""

from __future__ import annotations

from gnt.commands._tags import AddTags


class InstanceAddTags(AddTags, command="instance add-tags"):
    """Add tags to an instance."""

    examples = (("gnt-instance add-tags web env:test", "one that it has already stays"),)
