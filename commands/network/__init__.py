"""Keep IP networks whose addresses instances get."""

ALIASES = {"show": "info"}
