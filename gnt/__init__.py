"""gnt: clusters of virtual-machine hosts over plain SSH, with nothing of ours on the hosts.

To read it, start with: plan.py, spec.py, storage/file.py, commands/instance/add.py,
engine/driver.py.
"""

__version__ = "0.1.0"
RUNNER = "--runner"  # not for people: the word that makes the program a runner of submitted jobs
