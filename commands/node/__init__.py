"""Add, change and remove the hosts that run instances."""

ALIASES = {"show": "info"}

NOT_YET = {
    "evacuate": "moving everything off a node",
    "failover": "failing all of a node's instances over",
    "list-drbd": "listing DRBD minors",
    "list-storage": "listing storage units",
    "migrate": "migrating all of a node's instances",
    "modify-storage": "changing storage units",
    "repair-storage": "repairing storage units",
    "restricted-command": "running commands that an admin has put on nodes",
    "volumes": "listing logical volumes",
}
