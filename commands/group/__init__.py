"""Put nodes into groups with policies of their own."""

ALIASES = {"show": "info"}

NOT_YET = {
    "evacuate": "moving everything out of a group",
    "show-ispecs-cmd": "showing the instance policy as a command line",
}
