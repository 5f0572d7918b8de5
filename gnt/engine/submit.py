"""``--submit``: hand an operation to this user's runner, which is started when there is none.

The runner (``gnt.engine.runner``) is one process per user and cluster.  It answers with the job's
id once the job is committed, and then belongs to nobody's terminal.
"""

from __future__ import annotations

from gnt.engine.door import enter, in_doubt, refusal
from gnt.engine.record import dump, load, operation_named
from gnt.errors import Damaged
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gnt.engine.door import Dial
    from gnt.engine.job import Wish
    from gnt.spec import Operation


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


def submit(directory: str, submission: Submission, dial: Dial, program: Sequence[str]) -> str:
    """The id of the committed job.  ``program`` is the runner's, should there be none."""
    import json

    line = enter(directory, dial, program)
    try:
        line.send(encode(submission) + b"\n")
        answer = json.loads(line.line())
    except (ValueError, OSError):
        raise in_doubt() from None
    finally:
        line.close()
    if "id" in answer:
        return str(answer["id"])
    raise refusal(answer)
