"""Some forks of this process at a time, each with a task, a folder of its own and two limits."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import pickle
import shutil
import signal
import sys
import time

from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# In memory, so that a test does not wait for what it syncs.
SCRATCH = pathlib.Path(f"/dev/shm/gnt-mutation-{os.getpid()}")


class Task(Record):
    """``work(folder)`` runs in the fork and ends with a value; ``done`` gets it, or None when the
    fork died or was ended ``seconds`` of wall after it began."""

    work: Callable[[pathlib.Path], object]
    done: Callable[[Any], None]
    seconds: float


class Busy(Record):
    task: Task
    folder: pathlib.Path
    until: float


class Pool:
    """``jobs`` forks at a time."""

    def __init__(self, jobs: int) -> None:
        self.free = [SCRATCH / str(number) for number in range(jobs)]
        self.busy: dict[int, Busy] = {}

    def run(self, tasks: Iterable[Task]) -> None:
        """Do all of them; a task is made when its turn comes."""
        gc.collect()
        gc.freeze()  # so that the forks share these pages
        try:
            for task in tasks:
                folder = self.free.pop()
                self.busy[_fork(task, folder)] = Busy(task=task, folder=folder,
                                                      until=time.monotonic() + task.seconds)
                while not self.free:
                    self._wait()
            while self.busy:
                self._wait()
        finally:
            for child, one in self.busy.items():
                _end(child)
                shutil.rmtree(one.folder, ignore_errors=True)

    def _wait(self) -> None:
        child, _ = os.waitpid(-1, os.WNOHANG)
        if child not in self.busy:
            for late, one in self.busy.items():
                if time.monotonic() > one.until:
                    os.kill(late, signal.SIGKILL)
            time.sleep(0.003)
            return
        _end(child)
        one = self.busy.pop(child)
        result, value = one.folder / "result", None
        if result.exists():
            value = pickle.loads(result.read_bytes())
        shutil.rmtree(one.folder, ignore_errors=True)
        self.free.append(one.folder)
        one.task.done(value)


def _fork(task: Task, folder: pathlib.Path) -> int:
    """Begin with a task in a child of its own group; its process id."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    with contextlib.suppress(BaseException):  # nothing may come back from a fork
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        value = pickle.dumps(task.work(folder))
        (folder / "new").write_bytes(value)
        (folder / "new").rename(folder / "result")
    os._exit(0)


def _end(group: int) -> None:
    """End what a child has left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
