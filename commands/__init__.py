"""The commands: one folder for each noun, one file for each verb."""

NOT_YET = {  # nouns that are no folder yet
    "backup": "exporting and importing instances",
    "debug": "looking into gnt itself",
    "filter": "rules for the job queue",
    "os": "OS definitions",
    "storage": "external storage providers",
}
