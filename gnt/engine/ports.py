"""What the engine needs from the outside, as Protocols: ``ssh`` and ``config`` provide them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    from gnt.errors import GntError, NodeFailed
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit, Plan, Progress, Step
    from gnt.spec import Document, Lines, Table

    Key = tuple[str, str, str]

    class Transport(Protocol):
        """Performs calls on nodes."""

        def know(
            self, nodes: Iterable[Node], term: int, *, ports: Mapping[str, int] | None = None,
        ) -> None:
            """Where the nodes are and their pinned host keys; the term that tasks carry.

            ``ports``: where sshd listens, by node name; 22 without.
            """

        def warm(self, nodes: Iterable[str], *, owner: str = "") -> None:
            """Begin to connect to nodes that a commit will need; nobody waits for it.

            ``owner``: the node on which ``own`` will soon be called.
            """

        def ask(
            self,
            calls: Iterable[Call[Any]],
            *,
            deadline: float | None = None,
        ) -> dict[Key, Any]:
            """All calls side by side, one frame per node: {call.key: answer or NodeFailed}."""

        def perform(
            self,
            calls: Sequence[Call[Any]],
            *,
            fence: str,
            tell: Callable[[Call[Any], Progress], None] | None = None,
        ) -> dict[Key, Any]:
            """As ``ask``, but under the fence of a job: per node in order, stopping at a failure.

            A command that outlives its driver keeps the fence; ``settle_fence`` waits for it.
            """

        def obey(self, at: tuple[int, int], signers: Iterable[str]) -> None:
            """Who may sign by the state ``at`` (term, serial), in lines of ``allowed_signers``;
            hardened nodes that know others are told before anything else."""

        def foresee(self, job: str, calls: Iterable[Call[Any]]) -> None:
            """All that a job may do: hardened nodes are told at once instead of step by step."""

        def wait_fence(self, nodes: Iterable[str], fence: str, deadline: float) -> dict[str, Any]:
            """Wait until no orphan of an earlier driver runs: {node: None or NodeFailed}."""

        def clear_fence(self, nodes: Iterable[str], fence: str) -> None:
            """Remove the fence of a job whose commands were all answered, on nodes we still talk
            to; do not wait.  A node that knows a higher term keeps it: others own that job."""

        def own(self, master: str, job: str) -> AbstractContextManager[None]:
            """Hold the job's liveness lock on the master while the driver lives; else Busy."""

        def owned(self, master: str, jobs: Iterable[str]) -> dict[str, bool]:
            """Which jobs have a living driver."""

        def wait_owner(self, master: str, job: str, deadline: float) -> bool:
            """Wait until the job's driver ended; False at the deadline."""

        @property
        def round_trips(self) -> int:
            """Phases on the critical path so far (for ``--timing``)."""

        def close(self) -> None: ...

    class Frames(Protocol):
        """The lower half of a transport: raw scripts on the kept shells.  The store speaks this."""

        def frames(
            self,
            scripts: Mapping[str, Frame],
            *,
            deadline: float = 15.0,
            enough: int | None = None,
        ) -> dict[str, Reply | NodeFailed]:
            """One frame per node, side by side; one round trip.

            With ``enough``: once so many have ended with status 0, the others get a short grace;
            then they count as failed with kind ``timeout``.  What they were sent still comes
            before anything that is sent to them later.
            """

        def send(
            self, scripts: Mapping[str, Frame], *, deadline: float = 15.0,
        ) -> Callable[[], dict[str, Reply | NodeFailed]]:
            """As ``frames``, but begun only: what is returned waits for the replies."""

        def post(self, scripts: Mapping[str, Frame]) -> None:
            """Write frames and do not wait; their replies are read before the next frame."""

    class Listener(Protocol):
        """Hears how a job goes.  ``index`` counts ``plan.steps`` from 0."""

        def waiting(self, job: str, others: Sequence[str]) -> None:
            """The job waits for these."""

        def job_started(self, job: str, plan: Plan) -> None: ...
        def step_started(self, index: int, step: Step) -> None: ...
        def step_progress(self, index: int, step: Step, progress: Progress) -> None: ...
        def step_done(self, index: int, step: Step, answer: object = None) -> None: ...
        def step_failed(self, index: int, step: Step, error: GntError) -> None: ...
        def undoing(self, index: int, step: Step) -> None: ...
        def job_done(self, job: str, outcome: str) -> None:
            """``outcome``: success, undone, or interrupted (to be resumed)."""

    class Front(Protocol):
        """Who speaks with the person.  ``gnt.session.Session(settings, front)`` gets one."""

        @property
        def listener(self) -> Listener: ...
        def show(self, answer: Table | Document | Lines) -> None:
            """Data, on stdout."""

        def tell(self, message: str) -> None:
            """A message, on stderr."""

        def confirm(self, question: str, affected: Sequence[str] = ()) -> None:
            """Return if the answer is yes; raise ConfirmationNeeded otherwise.

            ``affected``: what the question is about, one line each, shown when asked for.
            """

        def lines(self) -> Iterator[str]:
            """Standard input."""

    class Store(Protocol):
        """The signed configuration."""

        def read(self) -> Config:
            """The committed state, fresh from the master."""

        def commit(
            self,
            make: Callable[[Config], Change],
            *,
            attempts: int = 8,
        ) -> Config:
            """Commit what ``make`` returns for the current state; called again if it moved.

            ``make`` runs while the turn is held, so the transaction's serial will be
            ``cfg.serial + 1``; what it raises gives the turn back and is passed on.
            """

        def take_turn(self) -> None:
            """Let the turn of the next commit ride on the next frame to the master.

            Costs no round trip of its own.  A commit that finds no turn, or a turn that was lost
            after 20 s, takes one itself.
            """

        def give_turn(self) -> None:
            """Let go of a turn that was taken and is not needed; nothing when there is none."""

        def record_of(self, job: str) -> tuple[bytes, bytes]:
            """The record by which a pending job is ours, as it was signed, and its signature in
            the form of files: hardened nodes want to see it."""

        def history(self, *, newest: int | None = None) -> Iterable[Mapping[str, Any]]:
            """Past transactions, newest first, as plain data."""


from gnt.record import Record  # noqa: E402 - Protocols above are for checkers only


class Frame(Record):
    """Shell text for one node.  ``keep``: run in the kept shell itself, not in a subshell, so
    that descriptors (a held lock) and functions stay until the connection ends.

    ``body`` and ``words``, where given, come to the same as ``text``: hardened nodes know bodies.
    """

    text: str
    stdin: bytes = b""
    keep: bool = False
    body: str = ""
    words: tuple[str, ...] = ()


class Reply(Record):
    status: int
    out: bytes
    err: bytes


class Change(Record):
    """What one transaction does, and on whose behalf.

    ``job`` empty in the transaction that begins a job: its own serial becomes the id; ``jobs/@``
    as an edit's path stands for that job's record.
    """

    edits: tuple[Edit, ...]
    operation: str
    job: str = ""
    reason: str = ""
    note: str = ""  # spelled-out dangers (no-voting …) that belong in the history
    result: str = ""  # how the job ended, in its last transaction: success, undone: why, cancelled
