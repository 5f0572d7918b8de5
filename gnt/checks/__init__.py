"""What ``gnt-cluster verify`` looks at: one check for each file, found by its name.

N+1 is beside the command (``commands/cluster/_spare.py``): it asks what placement asks.
"""
