"""The few file operations of the store, each durable when it returns.

Everything that is written goes through here, so that a test can let the n-th call fail, and each
call of the system has a method of its own, so that a simulated disk can take their place.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


HERE = "/var/lib/gnt/config"
TERM_LOCK = "/run/gnt/term.lock"  # of whoever raises the node's term, tasks or us


def term_lock(directory: str) -> str:
    """The lock of the file ``term`` beside a directory: a node has one for all."""
    return TERM_LOCK if directory == HERE else f"{directory}/term.lock"


def given_turn(directory: str) -> str:
    """Where a machine notes the last turn that it gave; gone when it starts again (ADR 0127)."""
    return f"{term_lock(directory).removesuffix('.lock')}.given"


class Disk:
    """A directory.  Names are of files in it (or ``../term``)."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def prepare(self) -> None:
        os.makedirs(self.directory, 0o700, exist_ok=True)

    def folder(self, name: str) -> Disk:
        """A directory in this one, of the same kind."""
        return type(self)(f"{self.directory}/{name}")

    def erase(self) -> None:
        """The directory goes, as far as that can be done."""
        import shutil

        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []

    def read(self, name: str, offset: int = 0, limit: int = -1) -> bytes | None:
        """The bytes from ``offset``; None when there is no such file."""
        try:
            with open(self.path(name), "rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int:
        try:
            return os.stat(self.path(name)).st_size
        except FileNotFoundError:
            return 0

    def age(self, name: str) -> float | None:
        """Seconds since a file was written, by this machine's clock; None when there is none."""
        import time

        try:
            return time.time() - os.stat(self.path(name)).st_mtime
        except FileNotFoundError:
            return None

    def replace(self, name: str, data: bytes) -> None:
        """The whole file, or the old one if anything fails."""
        fresh = self.path(name + ".new")
        descriptor = self.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            self._write_all(descriptor, data)
            self.fsync(descriptor)
        finally:
            self.close(descriptor)
        self.rename(fresh, self.path(name))
        self.sync_directory(os.path.dirname(self.path(name)))

    def append(self, name: str, at: int, data: bytes) -> None:
        """Put ``data`` at ``at``, cutting what is there; a failed write leaves nothing."""
        descriptor = self.open(self.path(name), os.O_WRONLY | os.O_CREAT)
        try:
            if self.length(descriptor) > at:
                self.truncate(descriptor, at)
                self.fsync(descriptor)
            self.seek(descriptor, at)
            self._append_or_cut(descriptor, at, data)
            self.fsync(descriptor)
        finally:
            self.close(descriptor)

    def _append_or_cut(self, descriptor: int, at: int, data: bytes) -> None:
        try:
            self._write_all(descriptor, data)
        except OSError:
            self.truncate(descriptor, at)
            raise

    def _write_all(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.write(descriptor, view):]

    def open(self, path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def length(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def seek(self, descriptor: int, at: int) -> None:
        os.lseek(descriptor, at, os.SEEK_SET)

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def remove(self, name: str) -> None:
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            return

    def sync(self, name: str) -> None:
        """What was written to a file earlier is on the disk, or OSError."""
        descriptor = self.open(self.path(name), os.O_RDONLY)
        try:
            self.fsync(descriptor)
        finally:
            self.close(descriptor)

    def sync_directory(self, directory: str = "") -> None:
        descriptor = self.open(directory or self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fsync(descriptor)
        finally:
            self.close(descriptor)

    def lock_term(self) -> int:
        """A descriptor that holds the lock of ``../term``."""
        import fcntl

        path = term_lock(self.directory)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def given(self) -> bytes:
        """The last turn that this machine gave since it was started, as in ``turn``."""
        try:
            with open(given_turn(self.directory), "rb") as file:
                return file.read(100)
        except OSError:
            return b""

    def give(self, turn: bytes) -> None:
        """Note it.  Where that cannot be done, the others are asked again."""
        from contextlib import suppress

        path = given_turn(self.directory)
        with suppress(OSError):
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(descriptor, turn)
            os.close(descriptor)

    def lock(self, wait: float) -> int | None:
        """A descriptor that holds the directory's lock (``flock(1)``'s); None when busy."""
        import fcntl
        import time

        self.prepare()
        descriptor = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        give_up = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    os.close(descriptor)
                    return None
                time.sleep(0.01)
            else:
                return descriptor

    def unlock(self, descriptor: int) -> None:
        os.close(descriptor)

    def ticks(self) -> float:
        """Seconds since this machine started, also while it slept; as ``/proc/uptime`` counts."""
        import time

        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def rest(self, seconds: float) -> None:
        import time

        time.sleep(seconds)

    def begin_lease(self, turn: int, seconds: float) -> int:
        """Tell others that this process has a turn, until it dies or the time is over (ADR 0014).

        Nothing is waited for: a lease is nothing to a machine that has started again.
        """
        import fcntl

        descriptor = os.open(self.path(f"lease.{turn}"), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, b"%d\n" % (self.ticks() + seconds))
        return descriptor

    def leased(self, turn: int) -> bool:
        """Whether a process that lives has this turn, and time left for it."""
        import fcntl

        until = self.read(f"lease.{turn}") or b""
        if not until.strip().isdigit() or self.ticks() >= int(until):
            return False
        descriptor = os.open(self.path(f"lease.{turn}"), os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def end_lease(self, turn: int, descriptor: int) -> None:
        self.remove(f"lease.{turn}")
        os.close(descriptor)


def numbers(names: Iterable[str], kind: str) -> list[int]:
    """The N of the files ``kind-N.toml``, ascending."""
    found = [name[len(kind) + 1 : -5] for name in names
             if name.startswith(kind + "-") and name.endswith(".toml")]
    return sorted(int(number) for number in found if number.isascii() and number.isdigit())


class CacheDisk(Disk):
    """A directory whose loss does no harm: nothing is waited for."""

    def fsync(self, descriptor: int) -> None:
        return


class WholeDisk(Disk):
    """Files that are whole after a power failure, if not the newest."""

    def sync_directory(self, directory: str = "") -> None:
        return
