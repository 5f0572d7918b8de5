"""``--submit``: hand an operation to this user's runner, which is started when there is none.

The runner (``gnt.engine.runner``) is one process per user and cluster.  It answers with the job's
id once the job is committed, and then belongs to nobody's terminal.
"""

from __future__ import annotations

from gnt.engine.record import dump, load, operation_named
from gnt.errors import Damaged, GntError, JobFailed
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedRWPair
    from typing import Any

    from gnt.engine.job import Wish
    from gnt.spec import Operation

    Dial = Callable[[str], BufferedRWPair | None]
    Serve = Callable[[Callable[[], None]], None]

HELLO = b"gnt\n"


class Submission(Record):
    """What travels to the runner: private parameters, too, for it never reaches a disk."""

    operation: str
    params: Any
    wish: Wish

    @staticmethod
    def of(operation: Operation, wish: Wish) -> Submission:
        params = {name: value for name, value in operation.items()
                  if operation.DEFAULTS.get(name) != value}
        return Submission(operation=f"{operation.noun} {operation.verb}", params=params, wish=wish)

    def made(self, find: Callable[[str], type[Operation]] = operation_named) -> Operation:
        kind = find(self.operation)
        try:
            return kind(**self.params)
        except TypeError as error:
            raise Damaged(f"{self.operation}: {error}") from None


def encode(submission: Submission) -> bytes:
    import json

    return json.dumps(dump(submission)).encode()


def decode(data: bytes) -> Submission:
    import json

    try:
        found = load(json.loads(data), "submission")
    except (ValueError, RecursionError) as error:
        raise Damaged(f"that is no submission: {error}") from None
    if not isinstance(found, Submission) or type(found.operation) is not str or (
            not isinstance(found.params, dict)):
        raise Damaged("that is no submission", hint="is the runner of another version? It ends by "
                      "itself when it has nothing to do")
    return found


def submit(directory: str, submission: Submission, dial: Dial, serve: Serve) -> str:
    """The id of the committed job.  ``serve(ready)`` is the runner's life, in a new process."""
    import json

    with _connected(directory, dial, serve) as line:
        try:
            line.write(encode(submission) + b"\n")
            line.flush()
            answer = json.loads(line.readline())
        except (ValueError, OSError):
            raise JobFailed(
                "the runner ended before it said whether the job was recorded",
                hint="gnt-job list shows whether it was; if not, submit it again") from None
    if "id" in answer:
        return str(answer["id"])
    error = GntError(answer["message"], hint=answer["hint"])
    error.exit_code = int(answer["exit_code"])
    raise error


def _connected(directory: str, dial: Dial, serve: Serve) -> BufferedRWPair:
    """A connection to the runner, which has said hello."""
    import fcntl
    import os

    found = _connect(directory, dial)
    if found is not None:
        return found
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with open(f"{directory}/runner.start", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one starts it, the others find it started
        found = _connect(directory, dial)
        if found is None:
            _spawn(directory, serve)
            found = _connect(directory, dial)
    if found is None:
        raise JobFailed("the runner of submitted jobs could not be started",
                        hint=f"see {directory}/runner.log, or leave out --submit")
    return found


def _connect(directory: str, dial: Dial) -> BufferedRWPair | None:
    line = dial(f"{directory}/runner.socket")
    if line is None:
        return None
    try:
        if line.readline() == HELLO:
            return line
    except OSError:
        line.close()
        return None
    line.close()  # a runner that was about to end
    return None


def _spawn(directory: str, serve: Serve) -> None:
    """A process that belongs to no terminal and no parent; returns when it listens or is dead."""
    import os

    hear, say = os.pipe()
    child = os.fork()
    if child:
        os.close(say)
        os.waitpid(child, 0)
        os.read(hear, 1)
        os.close(hear)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        _detach(directory, keep=say)
        serve(lambda: os.close(say))
    except BaseException:  # noqa: BLE001 - nobody above; the log is all there is
        import traceback

        traceback.print_exc()
    finally:
        os._exit(0)


def _detach(directory: str, keep: int) -> None:
    """No standard streams but a log, no other descriptors, no working directory."""
    import os

    log = os.open(f"{directory}/runner.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, keep)
    os.closerange(keep + 1, 1024)
    os.chdir("/")
