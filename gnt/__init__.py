"""gnt: clusters of virtual-machine hosts over plain SSH, with nothing of ours on the hosts.

To read it, start with: plan.py, spec.py, storage/file.py, commands/instance/add.py,
engine/executor.py.
"""

__version__ = "0.1.0"
