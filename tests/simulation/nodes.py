"""Machines: a disk, a clock, things that tasks make, and what lives in memory until a crash."""

from __future__ import annotations

from gnt.config.candidate import LocalCandidate
from tests.simulation.filesystem import FileSystem, SimulatedDisk


class Node:
    """One host.  ``events``: what the checker must know of it, in order."""

    def __init__(self, name, world, *, disk=SimulatedDisk, candidate=LocalCandidate):
        self.name, self.world = name, world
        self.files = FileSystem(world.random, world.happened)
        self.up = True
        self.skew = 0.0  # seconds that its clock is wrong
        self.things = set()
        self.events = []
        self._disk, self._candidate = disk, candidate
        self._forget()

    def _forget(self):
        self.running = {}  # job -> number of its commands that run here
        self.owners = {}  # job -> token of its driver (on the master)
        self.cancelled = set()

    def disk(self):
        return self._disk(f"/{self.name}/gnt/config", self.files, self.world.scheduler,
                          eager=self.world.eager,
                          clock=lambda: self.world.scheduler.now + self.skew)

    def candidate(self):
        return self._candidate(self.disk())

    def crash(self):
        """Without warning, anywhere in whatever runs here."""
        self.up = False
        self.world.scheduler.kill(lambda task: task.machine == self.name)
        self.files.crash()
        self._forget()

    def start(self):
        self.up = True

    def restore(self, backup):
        """The machine comes back with disks as they were long ago."""
        self.files.restore(backup)
        self.events.append(("restored", 0, 0))

    def file(self, name):
        """Bytes as a reader sees them now."""
        inode = self.files.names.get(f"/{self.name}/gnt/{name}")
        return b"" if inode is None else bytes(inode.content)

    def read_term(self):
        return int(self.file("term") or b"0")

    def admit(self, term):
        """A batch of tasks names its term: refuse a lower one, remember a higher one first.

        OSError when it cannot be remembered: that refuses, too.
        """
        disk = self.disk()
        if term > self.read_term():
            lock = disk.lock_term()
            try:
                if term > self.read_term():
                    disk.replace("../term", f"{term}\n".encode())
            finally:
                disk.unlock(lock)
        admitted = term >= self.read_term()
        if admitted:
            self.events.append(("task", term, 0))
        return admitted
