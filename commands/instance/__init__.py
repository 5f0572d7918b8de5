"""Create, run, move and remove virtual machines."""

ALIASES = {"start": "startup", "stop": "shutdown", "show": "info"}

NOT_YET = {
    "move": "moving an instance with its local disks",
}
