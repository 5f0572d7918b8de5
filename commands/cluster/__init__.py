"""Create a cluster, see to its configuration, keep it in order."""

ALIASES = {"masterfailover": "master-failover", "show": "info"}

NOT_YET = {
    "queue": "stopping the acceptance of jobs",
    "renew-crypto": "renewing keys",
    "show-ispecs-cmd": "showing the instance policy as a command line",
    "watcher": "pausing the watcher",
}
