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
    from collections.abc import Iterable, Mapping
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    from gnt.errors import NodeFailed
    from gnt.model.config import Config
    from gnt.plan import Call, Plan
    from gnt.services import Contexts as Contexts
    from gnt.services import Jobs as Jobs
    from gnt.services import Ledger as Ledger
    from gnt.services import Session as Session
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

    def asked(self, call: Call[Any]) -> bool:
        return call.key in self._answers

    def plus(self, more: Seen) -> Seen:
        """These answers and further ones."""
        return Seen({**self._answers, **more._answers})

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

    def exact(self, cfg: Config) -> bool:
        """Whether what it was answered must be true of the very state that it is planned on: then
        it is asked once more, in the turn of the commit, if anything was changed meanwhile."""
        return False

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """The jobs that this request stands for, each complete; asked before anything else.

        Here a request for several instances becomes one operation for each, and what only a person
        or a host outside the cluster can answer (a new node's fingerprint) becomes a parameter.
        """
        return (self,)

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        """What follows as jobs of its own once this one ended well; ``cfg`` is the state then."""
        return ()

    def secrets(self) -> Mapping[str, str]:
        """Values that its steps need and nothing may record: secret OS parameters, by name."""
        return {}

    def anywhere(self) -> bool:
        """Whether another process of this user on this machine may prepare it: that reads no file
        that is named from where the user stands, and asks nobody."""
        own = type(self)
        return own.prepare is Operation.prepare and own.confirm is Operation.confirm

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


RESULTS = ("success", "error", "canceled")  # how a job can end


def dependency(text: str) -> tuple[str, tuple[str, ...]]:
    """(id, the results that will do) of what a job depends on; no results: any."""
    job, _, results = text.partition(":")
    return job, tuple(results.split(",")) if results else ()


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
    depends: tuple[str, ...] = ()  # jobs that must have ended first: "id", or "id:result,result"
    yes: bool = False  # every question is answered with yes
    consent: str = ""  # file in which other signers agree
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

    def further(self, cfg: Config, seen: Seen) -> Iterable[Call[Any]]:
        """Questions that the first answers raise: ``answer`` gets both."""
        return ()

    def answer(self, cfg: Config, seen: Seen) -> Table | Document | Lines:
        raise NotImplementedError


class Action(Command):
    """Anything else."""

    def run(self, session: Session) -> int:
        """Do it and return the exit code."""
        raise NotImplementedError
