"""Create a cluster, see to its configuration, keep it in order."""

ALIASES = {"masterfailover": "master-failover", "show": "info"}
