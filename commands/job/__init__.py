"""Follow, stop, resume and undo the changes under way."""

ALIASES = {"show": "info"}
