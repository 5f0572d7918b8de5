"""Create a cluster, see to its configuration, keep it in order."""

ALIASES = {"masterfailover": "master-failover", "show": "info"}

NOT_YET = {
    "activate-master-ip": "setting the master's address",
    "deactivate-master-ip": "taking the master's address away",
    "epo": "powering everything off in an emergency",
    "queue": "stopping the acceptance of jobs",
    "rename": "renaming the cluster",
    "renew-crypto": "renewing keys",
    "repair-disk-sizes": "correcting recorded disk sizes",
    "show-ispecs-cmd": "showing the instance policy as a command line",
    "upgrade": "changing to another version",
    "verify-disks": "checking and activating disks",
    "watcher": "pausing the watcher",
}
