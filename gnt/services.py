"""What a session offers to commands, as Protocols: for type checkers only.

The real ones are ``gnt.session.Session`` and what its properties return.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Protocol

    from gnt.errors import NodeFailed
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit
    from gnt.spec import Document, Lines, Operation, Seen, Table

    class Jobs(Protocol):
        """What can be done with jobs besides running one (``gnt.engine``)."""

        def details(self, job: str) -> Mapping[str, Any]:
            """Everything known about a pending or finished job; NotFound."""

        def finished(self, newest: int | None = None) -> list[Mapping[str, Any]]:
            """Ended jobs from the signed history, newest first: id, operation, author, reason,
            result (``success``, ``undone: why``, ``cancelled``), began, ended, archived."""

        def alive(self, jobs: Iterable[str]) -> dict[str, bool]:
            """Which pending jobs have a living driver."""

        def watch(self, job: str) -> int:
            """Show what the job's driver does until the job ends; the exit code it deserves."""

        def wait(self, job: str) -> int:
            """Wait until the job ends; the exit code it deserves."""

        def cancel(self, job: str) -> str:
            """Take it out of the queue or ask it to stop; what was done, for people."""

        def resume(self, job: str, gone: Iterable[str] = ()) -> int:
            """Go on with a job whose driver died; nothing is asked of nodes in ``gone``."""

        def undo(self, job: str, gone: Iterable[str] = ()) -> int:
            """Take it back; nothing is asked of nodes in ``gone``."""

        def change_priority(self, job: str, priority: str) -> None: ...
        def archive(self, jobs: Iterable[str]) -> int:
            """Hide ended jobs from lists; how many."""

        def autoarchive(self, age: int) -> int:
            """Hide jobs that ended more than ``age`` seconds ago; how many."""

    class Contexts(Protocol):
        """The clusters this user knows, each with a pinned trust root."""

        def known(self) -> list[Mapping[str, Any]]:
            """name, master, signers (fingerprints), current."""

        def use(self, name: str, signing_key: str = "") -> None:
            """Make it the one that commands without --cluster talk to.

            ``signing_key``: signs changes there from now on; a file, or an agent's public key.
            """

        def join(
            self, name: str, host: str, port: int, signers: Sequence[str], host_key: str,
        ) -> tuple[str, ...]:
            """Pin a cluster's signer and its master's host key, shown and confirmed unless given
            as fingerprints; makes keys when there are none.  Lines for people."""

    class Ledger(Protocol):
        """The signed history (``gnt.config.ledger``)."""

        def log(self) -> Iterator[Mapping[str, Any]]:
            """Transactions, newest first: serial, time, who, signer, operation, job, put, drop …"""

        def show(self, serial: int) -> Mapping[str, Any]:
            """One transaction."""

        def cat(self, path: str, serial: int | None) -> list[str]:
            """An object (``instances/UUID``) or the paths of a section, now or after ``serial``."""

        def config(self, serial: int) -> Config:
            """The configuration after a transaction."""

        def diff(self, before: int, after: int | None) -> list[str]:
            """What changed between two serials, as a unified diff."""

        def undoing(self, serial: int) -> list[str]:
            """What a rollback to ``serial`` would change: lines for people."""

        def rollback(self, serial: int, reason: str) -> int:
            """Set all objects back; the serial of the transaction that does it."""

        def export(self, folder: str) -> int:
            """Write the whole history to a new folder; the number of files."""

        def verify(self, folder: str, roots: Sequence[str]) -> Mapping[str, Any]:
            """Check every signature and link, of the cluster or of an exported folder."""

        def digests(self) -> Mapping[str, str]:
            """What candidates must hold: head, and SHA-256 of base and journal, as last read."""

        def sign(self, path: str, confirm: Callable[[str], None]) -> str:
            """Agree to the dangerous change that a file states; who has agreed so far, for people.

            ``confirm`` is told what it is and raises when it is not to be."""

        def record(self, operation: str, note: str) -> int:
            """A transaction that changes nothing: what is done outside of jobs, for the history."""

        def own_key(self) -> str:
            """The public key that signs this user's changes."""

    class Session(Protocol):
        """What an Action may use; the real one is ``gnt.session.Session``."""

        @property
        def here(self) -> str:
            """The name of the node that this machine is; empty elsewhere."""

        def config(self) -> Config:
            """The committed configuration."""

        def ask(self, calls: Iterable[Call[Any]]) -> Seen:
            """Ask nodes, side by side."""

        def known(self) -> Config:
            """The newest configuration to be had without the master (a candidate's, the cache)."""

        def execute(self, operation: Operation) -> int:
            """Run an operation as a job, as the command line's general options say."""

        def submit(self, operation: Operation) -> tuple[str, ...]:
            """Leave a request to this user's runner; the ids of its jobs (none: only planned)."""

        def apply(self, path: str) -> int:
            """Run a plan that ``--plan-out`` saved, or refuse with the difference."""

        def show(self, answer: Table | Document | Lines) -> None:
            """Print data on stdout in the chosen format."""

        def tell(self, message: str) -> None:
            """A message for people, on stderr."""

        def confirm(self, question: str, affected: Sequence[str] = ()) -> None:
            """Return if the answer is yes; raise ConfirmationNeeded otherwise.

            ``affected``: what the question is about, one line each, shown when asked for.
            """

        def lines(self) -> Iterator[str]:
            """The lines of standard input."""

        def scan(self, host: str, port: int = 22) -> tuple[str, tuple[str, ...]]:
            """A host's IP address and the host keys it shows ("ssh-ed25519 AAAA…"), unverified."""

        def know(self, nodes: Iterable[Node]) -> None:
            """Where hosts outside the configuration are, with their pinned keys: ``ask`` reaches
            them, logging in with the admin's own keys."""

        def seal(self, owner: str, values: Mapping[str, str]) -> dict[str, str]:
            """Values sealed under the key that only master candidates hold; ``owner``: whose."""

        def confide(self, secrets: Mapping[str, str]) -> None:
            """Secret OS parameters for the job that comes next."""

        def own_keys(self) -> tuple[str, ...]:
            """The public keys that this admin logs in with: files and agent."""

        def create(self, objects: Mapping[str, Mapping[str, Any]], master: Node) -> None:
            """Sign the first base (``{section: {key: data}}``) and put it on the first master.

            The signer who does it is added to ``signers`` when it is not there.
            """

        def attach(self, node: Node, words: tuple[str, ...]) -> int:
            """Run a command on a node, connected to this terminal; returns its exit status."""

        def take_over(
            self, node: Node, *, voting: bool, ignore_offline: bool,
            also: Callable[[Config], tuple[Edit, ...]] | None = None,
        ) -> None:
            """Make ``node`` the master: majority, new term, fencing (``gnt.config``).

            ``also``: what else changes with it, but for the cluster's own object.
            """

        def redistribute(self) -> dict[str, NodeFailed | None]:
            """Bring every candidate to the head, and every node to the term: by node name."""

        def upgrade(self) -> str:
            """Bring the configuration to the newest schema; what became of it, for people."""

        @property
        def ledger(self) -> Ledger:
            """The signed history of the configuration."""

        @property
        def jobs(self) -> Jobs:
            """Pending and finished jobs."""

        @property
        def contexts(self) -> Contexts:
            """The clusters this user knows."""

        def forget(self) -> None:
            """Drop the context, pins and caches of this cluster, once it is destroyed."""
