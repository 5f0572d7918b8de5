"""The one tree of errors.  Each says what went wrong and, where possible, what to type next.

Only the front ends catch these; ``exit_code`` is what the process then ends with (documented in
every man page).  Codes up to 19 keep Ganeti's meaning, new ones start at 20.
"""

from __future__ import annotations


class GntError(Exception):
    """Something a person has to know.  ``hint`` is a command or an action that helps."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GntError):
    """The command line, or a value on it, cannot be understood."""

    exit_code = 2


class NoCluster(GntError):
    """There is no cluster here, and no context names one."""

    exit_code = 5


class NotMaster(GntError):
    """Only the master node can do this."""

    exit_code = 11


class NodeSetupFailed(GntError):
    """A host could not be made a node."""

    exit_code = 12


class ConfirmationNeeded(GntError):
    """The operation asks for a yes, and nobody was there to say it."""

    exit_code = 13


class UnknownField(UsageError):
    """``-o`` names a field that does not exist."""

    exit_code = 14


class NotFound(GntError):
    """A name that stands for nothing in this cluster."""


class Ambiguous(GntError):
    """A short name that stands for several things."""


class Conflict(GntError):
    """The request contradicts the cluster's configuration."""


class PolicyViolation(Conflict):
    """An instance specification outside the group's policy."""


class Invalid(UsageError):
    """A value out of its range, or of the wrong form.  ``where`` is its path."""

    def __init__(self, where: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem, hint=hint)
        self.where = where
        self.problem = problem


class Busy(GntError):
    """Another job holds what this one needs (``--no-wait``), or a lock is taken."""

    exit_code = 20


class NodeFailed(GntError):
    """A node could not be reached, or a task on it failed.

    ``kind``: ``unreachable`` (no connection), ``hostkey`` (not the pinned key), ``denied`` (login
    refused), ``timeout`` (a deadline passed; the state on the node is unknown), ``lost`` (the
    connection broke; the state is unknown), ``failed`` (the command ended with ``status``),
    ``fenced`` (the node knows a higher term).

    A command that takes a step back and finds that it has come too far for that ends with the
    status ``FINAL``: only going on to the job's end is safe then.
    """

    FINAL = 113

    exit_code = 21

    def __init__(
        self,
        node: str,
        kind: str,
        problem: str,
        *,
        task: str = "",
        status: int | None = None,
        stderr: str = "",
        hint: str = "",
    ) -> None:
        lines = "".join(f"\n    {line}" for line in stderr.strip().splitlines()[-5:])
        during = f" during {task}" if task else ""
        super().__init__(f"node {node}: {problem}{during}{lines}", hint=hint)
        self.node, self.kind, self.problem = node, kind, problem
        self.task, self.status, self.stderr = task, status, stderr

    @property
    def final(self) -> bool:
        """Whether the step that was to be taken back has passed its point of no return."""
        return self.status == self.FINAL

    @property
    def unknown(self) -> bool:
        """Whether what was asked for may or may not have happened."""
        return self.kind in ("timeout", "lost")


class Damaged(GntError):
    """Stored or received data is not what was signed: broken chain, torn file, wrong hash."""

    exit_code = 22


class NotAuthorised(GntError):
    """A signature by somebody who may not sign this."""

    exit_code = 23


class NoMajority(GntError):
    """Too few master candidates answered to commit a change."""

    exit_code = 24


class NoCapacity(GntError):
    """No node has the room."""

    exit_code = 25


class Stale(GntError):
    """The configuration moved since it was read: read again and plan again."""

    exit_code = 26


class Fenced(GntError):
    """This driver follows a master of an older term than the nodes have seen."""

    exit_code = 27


class JobFailed(GntError):
    """A job ended without success; what it did was undone, or is to be resumed."""

    exit_code = 1


class Interrupted(GntError):
    """Ctrl-C: stopped at a safe step; the hint says how to go on."""

    exit_code = 130


class NotYet(GntError):
    """Part of the interface, but not of this version."""
