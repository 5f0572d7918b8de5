"""Create, run, move and remove virtual machines."""

ALIASES = {"start": "startup", "stop": "shutdown", "show": "info"}

NOT_YET = {
    "batch-create": "making many instances from a file",
    "change-group": "moving an instance to another group",
    "move": "moving an instance with its local disks",
    "recreate-disks": "making lost disks again",
    "reinstall": "installing an instance anew",
    "replace-disks": "replacing mirrored disks",
}
