"""Add, change and remove the hosts that run instances."""

ALIASES = {"show": "info"}

NOT_YET = {
    "list-drbd": "listing DRBD minors",
    "list-storage": "listing storage units",
    "modify-storage": "changing storage units",
    "repair-storage": "repairing storage units",
    "restricted-command": "running commands that an admin has put on nodes",
    "volumes": "listing logical volumes",
}
