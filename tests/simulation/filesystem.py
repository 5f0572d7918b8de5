"""A disk that forgets what was not synced.

Each file has what a reader sees and what is certain to be on the platter.  At a crash some first
part of the writes since the last sync has made it there, the last of them perhaps torn; the same
for names since the last sync of their directory.  A failed sync loses what it should have written,
though readers see it until the crash, and the next sync says nothing of it (as Linux does).
"""

from __future__ import annotations

import errno
import os

from gnt.config.disk import CacheDisk, Disk


class Inode:
    def __init__(self, content=b""):
        self.content = bytearray(content)
        self.solid = bytes(content)
        self.writes = []  # (at, data), or (size, None) for a cut

    def write(self, at, data):
        self.content[at:at + len(data)] = data
        self.writes.append((at, bytes(data)))

    def cut(self, size):
        del self.content[size:]
        self.writes.append((size, None))

    def sync(self):
        solid = bytearray(self.solid)
        for write in self.writes:
            _apply(solid, write)
        self.solid, self.writes = bytes(solid), []

    def crash(self, random, happened):
        """What is there when the machine comes back."""
        solid = bytearray(self.solid)
        if self.writes:
            count = random.randint(0, len(self.writes))
            for write in self.writes[:count]:
                _apply(solid, write)
            happened["unsynced write lost"] += count < len(self.writes)
            if count < len(self.writes) and self.writes[count][1]:
                happened["torn write"] += 1
                at, data = self.writes[count]
                part = data[:random.randrange(len(data) + 1)]
                if random.random() < 0.3:  # the size came to the platter, the content did not
                    part += bytes(len(data) - len(part))
                _apply(solid, (at, part))
        self.content, self.solid, self.writes = bytearray(solid), bytes(solid), []


def _apply(content, write):
    at, data = write
    if data is None:
        del content[at:]
        return
    if len(content) < at:
        content += bytes(at - len(content))
    content[at:at + len(data)] = data


class FileSystem:
    """The files of one machine.  ``trouble``: {operation: errno} for operations that fail now."""

    def __init__(self, random, happened):
        self.random, self.happened = random, happened
        self.names = {}
        self.solid = {}
        self.changes = []  # (path, inode or None) since the last sync of the directory
        self.trouble = {}
        self.locks = {}
        self.given = b""  # in memory: the last turn that this machine gave
        self.leases = {}  # turn -> (until when, the disk of the process that has it)
        self.descriptors = {}
        self.next = 3
        self.believed = lambda path, content: None  # hears of every head that will stay
        self.noticed = lambda path, content: None  # and of every one in a driver's copy
        self.called = lambda: None  # before every call; scripted tests cut the power here

    def check(self, operation):
        code = self.trouble.get(operation)
        if code is not None and self.random.random() < 0.7:
            self.happened[f"{operation} {errno.errorcode[code]}"] += 1
            raise OSError(code, os.strerror(code))

    def set(self, path, inode):
        if inode is None:
            self.names.pop(path, None)
        else:
            self.names[path] = inode
        self.changes.append((path, inode))

    def sync_names(self, directory):
        rest = []
        for path, inode in self.changes:
            if os.path.dirname(path) == directory:
                self._harden(path, inode)
            else:
                rest.append((path, inode))
        self.changes = rest

    def _harden(self, path, inode):
        if inode is None:
            self.solid.pop(path, None)
            return
        self.solid[path] = inode
        if path.endswith("/head"):
            self.believed(path, inode.solid.decode())

    def crash(self):
        kept = self.random.randint(0, len(self.changes))
        self.happened["unsynced name lost"] += kept < len(self.changes)
        for path, inode in self.changes[:kept]:
            self._harden(path, inode)
        self.names = dict(self.solid)
        self.changes = []
        for inode in self.names.values():
            inode.crash(self.random, self.happened)
        self.given = b""
        self.locks, self.leases, self.descriptors = {}, {}, {}

    def backup(self):
        """What a backup made now would hold."""
        return {path: bytes(inode.content) for path, inode in self.names.items()}

    def restore(self, content):
        self.names = {path: Inode(data) for path, data in content.items()}
        self.solid, self.changes = dict(self.names), []
        self.locks, self.leases, self.descriptors = {}, {}, {}

    def durable(self):
        """What is certain to be there after a crash: {path: bytes}."""
        return {path: inode.solid for path, inode in self.solid.items()}


class SimulatedDisk(Disk):
    """The product's disk over a :class:`FileSystem`; each call is a moment at which others act."""

    def __init__(self, directory, files, scheduler, *, eager=0.15, clock=None):
        super().__init__(directory)
        self.files, self.scheduler, self.eager = files, scheduler, eager
        self.clock = clock or (lambda: scheduler.now)

    def folder(self, name):
        return type(self)(f"{self.directory}/{name}", self.files, self.scheduler, eager=self.eager,
                          clock=self.clock)

    def point(self):
        self.scheduler.alive()
        self.files.called()
        self.scheduler.alive()
        if self.files.random.random() < self.eager:
            self.scheduler.pause(self.files.random.random() * 0.01)

    def path(self, name):
        return os.path.normpath(os.path.join(self.directory, name))

    def prepare(self):
        return

    def names(self):
        self.point()
        start = self.directory + "/"
        return sorted(path[len(start):] for path in self.files.names
                      if path.startswith(start) and "/" not in path[len(start):])

    def read(self, name, offset=0, limit=-1):
        self.point()
        self.files.check("read")
        inode = self.files.names.get(self.path(name))
        if inode is None:
            return None
        return bytes(inode.content[offset:] if limit < 0 else inode.content[offset:offset + limit])

    def size(self, name):
        inode = self.files.names.get(self.path(name))
        return 0 if inode is None else len(inode.content)

    def age(self, name):
        return None if self.files.names.get(self.path(name)) is None else self.clock()

    def remove(self, name):
        self.point()
        if self.path(name) in self.files.names:
            self.files.set(self.path(name), None)

    def erase(self):
        for name in self.names():
            self.remove(name)

    def open(self, path, flags):
        self.point()
        path = os.path.normpath(path)
        inode = None
        if not flags & os.O_DIRECTORY:
            inode = self.files.names.get(path)
            if inode is None:
                if not flags & os.O_CREAT:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
                self.files.check("write")
                inode = Inode()
                self.files.set(path, inode)
            elif flags & os.O_TRUNC:
                inode.cut(0)
        self.files.next += 1
        self.files.descriptors[self.files.next] = [path, inode, 0]
        return self.files.next

    def close(self, descriptor):
        self.files.descriptors.pop(descriptor, None)

    def length(self, descriptor):
        return len(self.files.descriptors[descriptor][1].content)

    def seek(self, descriptor, at):
        self.files.descriptors[descriptor][2] = at

    def write(self, descriptor, data):
        self.point()
        opened = self.files.descriptors[descriptor]
        size = len(data)
        if size > 1 and self.files.random.random() < 0.1:
            size = self.files.random.randrange(1, size)
            self.files.happened["short write"] += 1
        try:
            self.files.check("write")
        except OSError:
            opened[1].write(opened[2], bytes(data[:size // 2]))
            raise
        opened[1].write(opened[2], bytes(data[:size]))
        opened[2] += size
        return size

    def truncate(self, descriptor, size):
        self.point()
        self.files.check("truncate")
        self.files.descriptors[descriptor][1].cut(size)

    def fsync(self, descriptor):
        self.point()
        path, inode, _ = self.files.descriptors[descriptor]
        if inode is None:
            self.files.check("fsync")
            self.files.sync_names(path)
            return
        try:
            self.files.check("fsync")
        except OSError:
            inode.writes.clear()
            raise
        inode.sync()

    def rename(self, old, new):
        self.point()
        self.files.check("rename")
        inode = self.files.names[os.path.normpath(old)]
        self.files.set(os.path.normpath(new), inode)
        self.files.names.pop(os.path.normpath(old))
        self.files.changes.append((os.path.normpath(old), None))

    def lock_term(self):
        descriptor = self._locked(f"{self.directory}/term.lock", 60.0)
        if descriptor is None:
            raise OSError(errno.EWOULDBLOCK, "the term's lock is never free")
        return descriptor

    def given(self):
        return self.files.given

    def give(self, turn):
        self.files.given = turn

    def lock(self, wait):
        return self._locked(f"{self.directory}/lock", wait)

    def _locked(self, path, wait):
        self.point()
        locks = self.files.locks
        if path in locks and not self.scheduler.wait(lambda: path not in locks, wait):
            return None
        self.files.next += 1
        locks[path] = self.files.next
        return self.files.next

    def unlock(self, descriptor):
        for path, holder in list(self.files.locks.items()):
            if holder == descriptor:
                del self.files.locks[path]


    # turns

    def ticks(self):
        return self.scheduler.now

    def rest(self, seconds):
        """Wakes late, but when it is worth it."""
        self.scheduler.wait(lambda: not self.files.leases, max(seconds, 0.5))

    def begin_lease(self, turn, seconds):
        self.point()
        self.files.leases[turn] = (self.ticks() + seconds, self)
        return turn

    def leased(self, turn):
        self.point()
        until, _ = self.files.leases.get(turn, (0.0, None))
        return self.ticks() < until

    def end_lease(self, turn, descriptor):
        self.files.leases.pop(turn, None)

    def process_ended(self):
        """What the kernel does for the process that used this disk."""
        for turn in [turn for turn, (_, disk) in self.files.leases.items() if disk is self]:
            del self.files.leases[turn]


class SimulatedCache(CacheDisk, SimulatedDisk):
    """A driver's own copy: nothing is waited for, on a disk that forgets."""

    def rename(self, old, new):
        super().rename(old, new)
        if new.endswith("/head"):
            self.files.noticed(new, bytes(self.files.names[new].content).decode())
