"""A runner inherits nothing from the process that starts it, least of all its open state.

One that was forked believed to hold the locks of its starter's SQLite file, which the kernel does
not hand on: it had none, and failed with 'locking protocol' in the middle of a job.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import subprocess
import sys
import threading
import time

from gnt.config.journal import Put, Txn
from gnt.config.sqlite_state import SqliteState
from gnt.config.trust import Position
from gnt.engine import door

ALIVE = 128  # the byte of the shared memory that each process locks which has the file open

STARTER = """
import os, sys
from gnt.config.sqlite_state import SqliteState
from gnt.config.trust import Position
from gnt.engine import door

class Hello:
    def line(self): return door.HELLO

path, folder, runner = sys.argv[1:]
state = SqliteState(path)
state.reset({"groups": {"g": {"uuid": "g", "name": "old"}}}, Position(term=1, serial=1))
seen = state.snapshot()
answers = [None, None, Hello()]
door.enter(folder, lambda _: answers.pop(0), [sys.executable, "-c", runner, path, folder])
print(seen.serial, flush=True)
os._exit(0)  # as commands end: without closing what they read
"""

RUNNER = """
import os, signal, sys
from gnt.config.sqlite_state import SqliteState
from gnt.engine import door

signal.alarm(60)  # whatever becomes of the test
path, folder, descriptor = sys.argv[1:]
state = SqliteState(path)
state.refresh()
seen = state.snapshot()
door.ready(int(descriptor))
with open(f"{folder}/go"):  # until the test says so
    pass
state.refresh()
with open(f"{folder}/telling", "w") as told:
    print(seen.serial, seen.load("groups", "g")["name"], state.serial, file=told)
os.rename(f"{folder}/telling", f"{folder}/told")
"""


def locked(path: str) -> bool:
    """Whether another process says that it has the file open."""
    with open(f"{path}-shm", "rb+") as memory:
        try:
            fcntl.lockf(memory, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, ALIVE)
        except OSError:
            return True
    return False


def write(path: str) -> None:
    """As another command does meanwhile."""
    state = SqliteState(path)
    state.refresh()
    put = Put(path="groups/g", value={"uuid": "g", "name": "new"})
    state.apply(Txn(term=1, turn=1, prev="", time=1.0, who="", operation="", put=(put,)),
                Position(term=1, serial=2))


def test_a_runner_has_locks_of_its_own_on_the_state(tmp_path: pathlib.Path) -> None:
    path, folder = str(tmp_path / "state"), tmp_path / "run"
    folder.mkdir(0o700)
    os.mkfifo(folder / "go")
    done = subprocess.run([sys.executable, "-c", STARTER, path, str(folder), RUNNER], text=True,
                          capture_output=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")
    own = locked(path)
    write(path)
    go = os.open(folder / "go", os.O_RDWR)
    until = time.monotonic() + 20
    while not (folder / "told").exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.close(go)
    assert ((folder / "told").read_text(), own) == ("1 old 2\n", True)


SAYS = 'echo "$PYINSTALLER_RESET_ENVIRONMENT $PWD"'


class Hello:
    def line(self):
        return door.HELLO


def kept():
    """What this process has open, and its children."""
    with open("/proc/thread-self/children") as children:
        return len(os.listdir("/proc/self/fd")), children.read()


def test_what_is_started_leaves_neither_descriptors_nor_children(tmp_path):
    """Nor what the one before it said in the log."""
    before = kept()
    log = tmp_path / "runner.log"
    for program, said_last in ((["/bin/sh", "-c", "echo going down"], "going down\n"),
                               (["/nowhere/program"], "not found"),
                               (["/bin/sh", "-c", SAYS], "1 /\n")):
        left = [None, None, Hello()]
        assert door.enter(str(tmp_path), lambda path, left=left: left.pop(0), program) is not None
        assert kept() == before
        assert said_last in log.read_text() and log.read_text().count("\n") == 1


def test_one_starts_it_and_the_others_find_it_started(tmp_path):
    answers, found = [None, Hello()], []
    with open(tmp_path / "runner.start", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as one who is just starting it
        thread = threading.Thread(target=lambda: found.append(
            door.enter(str(tmp_path), lambda path: answers.pop(0), ["/bin/false"])))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive() and len(answers) == 1
    thread.join(20)
    assert isinstance(found[0], Hello) and not (tmp_path / "runner.log").exists()
