"""The door of this user's runner: found open, or opened.  Fifty may wait here: it loads nothing.

The runner is a program started anew, never a fork of who needs it: that may have threads, and the
copy of the state open, which SQLite forbids to share with a child.

A visitor hears ``HELLO`` and says one line: a submission as JSON, or ``words`` and the command
line that it was called with.  The answer is one line, too.
"""

from __future__ import annotations

from gnt.errors import GntError, JobFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    class Line(Protocol):
        """A connection; lines end with a newline."""

        def send(self, data: bytes) -> None: ...
        def line(self) -> bytes:
            """The next line; what there is of it when the connection ends."""

        def close(self) -> None: ...

    Dial = Callable[[str], Line | None]

HELLO = b"gnt 2\n"  # 2: it understands words
WORDS = b"words "
SAY = b"say "  # before what is to be printed
YOURSELF = b"yourself\n"  # the words need the process that was called with them
TELL = 3  # the descriptor by which a runner tells who started it that it listens


def packed(words: list[str]) -> bytes:
    """A command line as one line."""
    return WORDS + "\0".join(words).encode(errors="surrogateescape").hex().encode() + b"\n"


def unpacked(line: bytes) -> list[str]:
    """The words of :func:`packed`; ValueError for anything else."""
    text = bytes.fromhex(line.removeprefix(WORDS).strip().decode())
    return text.decode(errors="surrogateescape").split("\0")


def enter(directory: str, dial: Dial, program: Sequence[str]) -> Line:
    """A connection to the runner, which has said hello.

    ``program`` is what to start when there is none: its path and words, to which the number of the
    descriptor is added that ``ready`` wants.
    """
    import fcntl
    import os

    found = _connect(directory, dial)
    if found is not None:
        return found
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with open(f"{directory}/runner.start", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one starts it, the others find it started
        found = _connect(directory, dial)
        if found is None:
            _spawn(directory, program)
            found = _connect(directory, dial)
    if found is None:
        raise JobFailed("the runner of submitted jobs could not be started",
                        hint=f"see {directory}/runner.log, or leave out --submit")
    return found


def in_doubt() -> JobFailed:
    """The runner was killed while it had our submission."""
    return JobFailed("the runner ended before it said whether the job was recorded",
                     hint="gnt-job list shows whether it was; if not, submit it again")


def refusal(answer: Mapping[str, Any]) -> GntError:
    """What the runner says went wrong."""
    error = GntError(answer["message"], hint=answer["hint"])
    error.exit_code = int(answer["exit_code"])
    return error


def _connect(directory: str, dial: Dial) -> Line | None:
    line = dial(f"{directory}/runner.socket")
    if line is None:
        return None
    try:
        if line.line() == HELLO:
            return line
    except OSError:
        line.close()
        return None
    line.close()  # a runner that was about to end
    return None


def program(cluster: str) -> list[str]:
    """What to start for the context of this name (empty: this node's own cluster)."""
    from gnt import RUNNER
    from gnt.found import program

    return [*program(), RUNNER, cluster]


def ready(descriptor: int) -> None:
    """Tell who started us that we listen."""
    import os

    os.write(descriptor, b"\n")  # closing is not enough: a frozen program's loader has it, too
    os.close(descriptor)


def _spawn(directory: str, program: Sequence[str]) -> None:
    """A process that belongs to no terminal and no parent; returns when it listens or is dead.

    The shell starts it in the background, without input, and ends, so it is nobody's child; what it
    says goes to a log.
    """
    import os

    log = os.open(f"{directory}/runner.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    hear, say = os.pipe()
    ours = sorted({int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, TELL})
    shell = os.posix_spawn(
        "/bin/sh", ["sh", "-c", 'cd /; "$@" &', "sh", *program, str(TELL)],
        {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"},  # one file: unpack anew
        file_actions=[
            (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2),
            (os.POSIX_SPAWN_DUP2, say, TELL),
            *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in ours)],
        setsid=True)
    os.close(log)
    os.close(say)
    os.waitpid(shell, 0)
    os.read(hear, 1)
    os.close(hear)
