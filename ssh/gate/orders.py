"""Orders: what a signer lets one connection to one node run, as a text that a node can check.

    gnt-order-1
    for CHALLENGE       what the gate greeted this connection with
    job JOB TERM        the job (- : none) and its term (0: of no importance)
    on NODE             where the gate knows its name: for this node and no other (ADR 0141)
    obey TERM SERIAL    only where the node knows others: who may sign since that state (ADR 0139),
    signer LINE         a line of allowed_signers for each
    run DIGEST STDIN    SHA-256 of a script with its words, and of its standard input (- : none)

It is signed in the namespace ``gnt-order``.  The challenge makes it good for one connection only:
when that ends, nothing can be run by it any more.  Before the first order for a job the gate is
shown the job's record, as it was signed for the journal: the job is one of the history (ADR 0119).
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.record import Record
from gnt.ssh.gate.facts import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from gnt.plan import Call

    Grant = tuple[str, str]  # digest of a text, digest of its standard input or "-"

NAMESPACE = "gnt-order"
MOST = 8000  # scripts in one order: the gate takes a megabyte


def grant(text: str, stdin: bytes) -> Grant:
    """What names a script with its standard input in an order."""
    return digest(text), digest(stdin) if stdin else "-"


class Signers(Record):
    """Whose orders count, as of the configuration's state ``at`` (term, serial).

    ``digest``: of the lines, which a node keeps with them.
    """

    at: tuple[int, int]
    digest: str
    lines: tuple[str, ...] = ()

    def lacking(self, node: Signers) -> bool:
        """Whether a node that says this of its own is to be told ours."""
        return self.at > node.at and (self.digest != node.digest or node.at == (0, 0))


NOBODY = Signers(at=(0, 0), digest="")


def signers(at: tuple[int, int], lines: Iterable[str]) -> Signers:
    """The lines of ``allowed_signers`` of one state."""
    whole = tuple(lines)
    return Signers(at=at, digest=digest("".join(f"{line}\n" for line in whole)), lines=whole)


class Orders:
    """Signs for one person.

    ``sign``: the armored SSHSIG of some bytes in our namespace; ``record``: that by which a job is
    ours, and its armored signature.
    """

    def __init__(self, sign: Callable[[bytes], bytes],
                 record: Callable[[str], tuple[bytes, bytes]]) -> None:
        import threading

        self._sign, self.record = sign, record
        self.obeyed = NOBODY  # whom nodes are to obey, as far as we know
        self._foreseen: dict[str, Iterable[Call[Any]]] = {}
        self._lock = threading.Lock()

    def foresee(self, job: str, calls: Iterable[Call[Any]]) -> None:
        """What a job is going to run: one order for each node is to cover all of it."""
        with self._lock:
            self._foreseen[job] = calls

    def foreseen(self, job: str, node: str) -> Iterator[Grant]:
        from gnt.plan import task_named

        with self._lock:  # only now: other nodes may not be hardened
            calls = self._foreseen[job] = tuple(self._foreseen.get(job, ()))
        for call in calls:
            task = task_named(call.task)
            if call.node == node and not task.dialogue:
                script = task.script(call)
                yield grant(script.shell, script.stdin)

    def obey(self, at: tuple[int, int], lines: Iterable[str]) -> None:
        """Who may sign by the state ``at``; threads come with states of different age."""
        with self._lock:
            if at > self.obeyed.at:
                self.obeyed = signers(at, lines)

    def order(
        self, challenge: str, job: str, term: int, grants: Iterable[Grant],
        tell: Signers = NOBODY, node: str = "",
    ) -> tuple[bytes, bytes]:
        """An order and its signature.  ``tell``: the signers that the node is to obey first;
        ``node``: its name, when its gate knows that."""
        lines = ["gnt-order-1", f"for {challenge}", f"job {job} {term}"]
        lines += [f"on {node}"] if node else []
        if tell.lines:
            lines.append(f"obey {tell.at[0]} {tell.at[1]}")
            lines += [f"signer {line}" for line in tell.lines]
        lines += [f"run {text} {stdin}" for text, stdin in dict.fromkeys(grants)]
        if len(lines) > MOST:
            raise Invalid("plan", f"{len(lines)} scripts for one node are too many for one order")
        data = ("\n".join(lines) + "\n").encode()
        return data, self._sign(data)
