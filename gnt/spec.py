"""One declaration per command: parser, man page, completion and RAPI all read it.

A command is a class in ``commands/<noun>/<verb>.py`` (found by that name, never listed):

* :class:`Operation` changes the cluster: ``plan(config, seen)`` is pure and returns a Plan.
* :class:`Query` answers from the configuration and from facts, and changes nothing.
* :class:`Action` is what fits neither (create a cluster, open a console, follow a job): it gets
  the whole :class:`Session`.
"""

from __future__ import annotations

from gnt.record import MISSING, Field, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform

    from gnt.errors import NodeFailed
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Plan
    from gnt.values import Kind

    T = TypeVar("T")
    R = TypeVar("R")
else:
    from gnt.record import dataclass_transform


class Opt(Field):
    """An option ``--name``.  A bool kind with default False is a plain flag."""

    def __init__(
        self,
        kind: Kind[Any],
        help: str,
        default: Any,
        short: str,
        name: str,
        many: bool,
        metavar: str,
        hidden: bool,
        aliases: tuple[str, ...],
    ) -> None:
        super().__init__(kind, help, default)
        self.short, self.long, self.many = short, name, many
        self.metavar, self.hidden, self.aliases = metavar, hidden, aliases


class Arg(Field):
    """A positional word; ``many`` collects the rest into a tuple."""

    def __init__(self, kind: Kind[Any], help: str, default: Any, many: bool, complete: str) -> None:
        super().__init__(kind, help, default)
        self.many, self.complete = many, complete


def opt(
    kind: Kind[T],
    help: str,
    *,
    default: T = MISSING,
    short: str = "",
    name: str = "",
    metavar: str = "",
    hidden: bool = False,
    aliases: tuple[str, ...] = (),
) -> T:
    """Declare an option; its long name is the field's unless ``name`` is given (without dashes)."""
    return Opt(kind, help, default, short, name, False, metavar, hidden, aliases)  # type: ignore[return-value]  # specifier


def opts(
    kind: Kind[T],
    help: str,
    *,
    default: tuple[T, ...] = (),
    short: str = "",
    name: str = "",
    metavar: str = "",
    hidden: bool = False,
    aliases: tuple[str, ...] = (),
) -> tuple[T, ...]:
    """Declare an option that may be repeated."""
    return Opt(kind, help, default, short, name, True, metavar, hidden, aliases)  # type: ignore[return-value]  # specifier


def arg(kind: Kind[T], help: str, *, default: T = MISSING, complete: str = "") -> T:
    """Declare a positional word.  ``complete``: instance, node, group, network, job, os, file."""
    return Arg(kind, help, default, False, complete)  # type: ignore[return-value]  # specifier


def args(
    kind: Kind[T],
    help: str,
    *,
    default: tuple[T, ...] = MISSING,
    complete: str = "",
) -> tuple[T, ...]:
    """Declare the rest of the words; required unless a default is given."""
    return Arg(kind, help, default, True, complete)  # type: ignore[return-value]  # specifier


class Holds(Record):
    """What a job holds while it runs: object paths like ``instances/<uuid>``, or ``cluster``."""

    exclusive: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    def conflicts(self, other: Holds) -> tuple[str, ...]:
        """The paths on which both cannot run at once."""
        mine, theirs = set(self.exclusive), set(other.exclusive)
        clash = (mine & theirs) | (mine & set(other.shared)) | (set(self.shared) & theirs)
        return tuple(sorted(clash))


class Seen:
    """Answers to the facts asked for, by call."""

    def __init__(self, answers: Mapping[tuple[str, str, str], Any]) -> None:
        self._answers = answers

    def __getitem__(self, call: Call[R]) -> R:
        """The answer; raises the NodeFailed that came instead of one."""
        answer = self._answers[call.key]
        if isinstance(answer, Exception):
            raise answer
        result: R = answer
        return result

    def failed(self, call: Call[Any]) -> NodeFailed | None:
        """Why there is no answer, or None when there is one."""
        answer = self._answers[call.key]
        return answer if isinstance(answer, Exception) else None  # type: ignore[return-value]  # only NodeFailed is stored


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(opt, opts, arg, args)
)
class Command(Record):
    """Base of all declarations.  The docstring is the help text; its first line the summary."""

    noun: ClassVar[str] = ""
    verb: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[tuple[str, str], ...]] = ()  # (command line, what it does)
    rapi: ClassVar[str] = ""  # "POST /2/instances"
    tabular: ClassVar[bool] = False  # takes --no-headers, --separator, --units and -v
    jobs: ClassVar[bool] = False  # takes the job options (--submit, --dry-run …)

    def __init_subclass__(cls, *, command: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if command:
            cls.noun, _, cls.verb = command.partition(" ")


class Operation(Command):
    """Changes the cluster by a job."""

    jobs: ClassVar[bool] = True
    hook: ClassVar[str] = ""  # the hook directory's name, as the reference's ("instance-add")

    def holds(self, cfg: Config) -> Holds:
        """What this operation needs for itself while it runs."""
        return Holds()

    def facts(self, cfg: Config) -> Iterable[Call[Any]]:
        """Read-only questions to ask nodes before planning."""
        return ()

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        """What to do.  Pure: reads its arguments only; raises GntError when it cannot be done."""
        raise NotImplementedError

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """The jobs that this request stands for, each complete; asked before anything else.

        Here a request for several instances becomes one operation for each, and what only a person
        or a host outside the cluster can answer (a new node's fingerprint) becomes a parameter.
        """
        return (self,)

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        """What follows as jobs of its own once this one ended well; ``cfg`` is the state then."""
        return ()

    def confirm(self, cfg: Config) -> str:
        """A question that must be answered with yes first; empty: none."""
        return ""

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        """The variables hooks get, without their ``GANETI_`` prefix."""
        return {}


class Table(Record):
    """Rows for people and scripts: the front end aligns them, or writes JSON, YAML, CSV."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    problems: tuple[str, ...] = ()  # nodes that did not answer: shown on stderr


class Column(Record):
    """``kind``: text, number, unit (MiB), bool, float, timestamp, other."""

    name: str
    title: str
    kind: str = "text"


class Document(Record):
    """A nested answer (info commands): mappings, sequences and scalars, printed as a tree."""

    content: Any
    problems: tuple[str, ...] = ()
    exit_code: int = 0


class Lines(Record):
    """Plain lines; ``data`` is what ``--format json`` prints instead."""

    lines: tuple[str, ...]
    data: Any = None
    problems: tuple[str, ...] = ()
    exit_code: int = 0


class Settings(Record):
    """What a command line's general options said: the front end makes it, the session obeys it."""

    cluster: str = ""  # name of a context; empty: the current one
    reason: str = ""
    priority: str = "normal"  # low, normal, high
    submit: bool = False  # leave the job to a detached driver
    print_jobid: bool = False
    dry_run: bool = False
    plan_out: str = ""  # write the plan there instead of running it
    wait: bool = True  # for conflicting jobs
    yes: bool = False  # every question is answered with yes
    timing: bool = False
    debug: bool = False
    argv: tuple[str, ...] = ()  # the command as typed, without the general options


class Query(Command):
    """Answers a question; changes nothing, needs no majority."""

    def columns(self) -> tuple[str, tuple[str, ...]] | None:
        """(kind, fields) when cached columns can answer without a session; see ``table``."""
        return None

    def table(self, columns: Mapping[str, list[Any]]) -> Table:
        """The answer from the cached columns that ``columns`` asked for."""
        raise NotImplementedError

    def facts(self, cfg: Config) -> Iterable[Call[Any]]:
        """Questions to ask nodes; none keeps the command off the network."""
        return ()

    def answer(self, cfg: Config, seen: Seen) -> Table | Document | Lines:
        raise NotImplementedError


class Action(Command):
    """Anything else."""

    def run(self, session: Session) -> int:
        """Do it and return the exit code."""
        raise NotImplementedError


if TYPE_CHECKING:

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

        def resume(self, job: str) -> int: ...
        def undo(self, job: str) -> int: ...
        def change_priority(self, job: str, priority: str) -> None: ...
        def archive(self, jobs: Iterable[str]) -> int:
            """Hide ended jobs from lists; how many."""

        def autoarchive(self, age: int) -> int:
            """Hide jobs that ended more than ``age`` seconds ago; how many."""

    class Contexts(Protocol):
        """The clusters this user knows, each with a pinned trust root."""

        def known(self) -> list[Mapping[str, Any]]:
            """name, master, signers (fingerprints), current."""

        def use(self, name: str) -> None:
            """Make it the one that commands without --cluster talk to."""

        def join(
            self, name: str, host: str, port: int, signer: str, host_key: str,
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

        def own_key(self) -> str:
            """The public key that signs this user's changes."""

    class Session(Protocol):
        """What an Action may use; the real one is ``gnt.session.Session``."""

        def config(self) -> Config:
            """The committed configuration."""

        def ask(self, calls: Iterable[Call[Any]]) -> Seen:
            """Ask nodes, side by side."""

        def known(self) -> Config:
            """The newest configuration to be had without the master: a candidate's, or the cache."""

        def execute(self, operation: Operation) -> int:
            """Run an operation as a job, as the command line's general options say."""

        def apply(self, path: str) -> int:
            """Run a plan that ``--plan-out`` saved, or refuse with the difference."""

        def show(self, answer: Table | Document | Lines) -> None:
            """Print data on stdout in the chosen format."""

        def tell(self, message: str) -> None:
            """A message for people, on stderr."""

        def confirm(self, question: str) -> None:
            """Return if the answer is yes; raise ConfirmationNeeded otherwise."""

        def lines(self) -> Iterator[str]:
            """The lines of standard input."""

        def scan(self, host: str, port: int = 22) -> tuple[str, tuple[str, ...]]:
            """A host's IP address and the host keys it shows ("ssh-ed25519 AAAA…"), unverified."""

        def know(self, nodes: Iterable[Node]) -> None:
            """Where hosts outside the configuration are, with their pinned keys: ``ask`` reaches
            them, logging in with the admin's own keys."""

        def own_keys(self) -> tuple[str, ...]:
            """The public keys that this admin logs in with: files and agent."""

        def create(self, objects: Mapping[str, Mapping[str, Any]], master: Node) -> None:
            """Sign the first base (``{section: {key: data}}``) and put it on the first master.

            The signer who does it is added to ``signers`` when it is not there.
            """

        def attach(self, node: Node, words: tuple[str, ...]) -> int:
            """Run a command on a node, connected to this terminal; returns its exit status."""

        def take_over(self, node: Node, *, voting: bool, ignore_offline: bool) -> None:
            """Make ``node`` the master: majority, new term, fencing (``gnt.config``)."""

        def redistribute(self) -> dict[str, NodeFailed | None]:
            """Bring every candidate to the head, and every node to the term: by node name."""

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
