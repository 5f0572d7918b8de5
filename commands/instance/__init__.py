"""Create, run, move and remove virtual machines."""

ALIASES = {"start": "startup", "stop": "shutdown", "show": "info"}
