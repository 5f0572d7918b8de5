"""Add, change and remove the hosts that run instances."""

ALIASES = {"show": "info"}
