"""Put nodes into groups with policies of their own."""

ALIASES = {"show": "info"}

NOT_YET = {
    "show-ispecs-cmd": "showing the instance policy as a command line",
}
