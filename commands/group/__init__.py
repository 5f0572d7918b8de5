"""Put nodes into groups with policies of their own."""

ALIASES = {"show": "info"}
