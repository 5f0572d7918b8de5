"""The command line: finds the command, reads its options, runs it, shows what it answers."""
