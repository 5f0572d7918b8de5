"""What ``gnt-cluster verify`` looks at: one check for each file, found by its name."""
