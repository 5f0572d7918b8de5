"""A plan is data: print it, sign it, run it, undo it.

A *node task* is a pure function from typed arguments to a :class:`Script`: a constant POSIX shell
text, the words it gets as ``$1 $2 …`` and the parser of what it prints.  Nothing is ever formatted
into shell text; words are quoted in one place.  Because the script of a call is known when the
plan is made, several calls travel in one frame, and a node can be told in advance, under a
signature, what it will be asked to run.

The few tasks that must hold a conversation (QMP) are *dialogues*: functions of a
:class:`Context`, which is fabric's ``Connection``, invoke's local ``Context``, or a fake.
"""

from __future__ import annotations

from gnt.errors import Damaged
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

    P = ParamSpec("P")
    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)

    class Context(Protocol):
        """Where a dialogue runs: one node."""

        def run(self, command: str, **options: Any) -> Any:
            """Invoke's ``Context.run``."""

        def script(self, script: Script[R], deadline: float) -> R:
            """Run a script on this node and return its parsed answer."""

        def stream(self, *words: str) -> socket.socket:
            """A connected socket to the stdin and stdout of a command on this node."""

        def tell(self, progress: Progress) -> None:
            """Show how far long work is."""

        def at(self, node: str) -> Context:
            """The same on another node: for what a step on this one needs from there."""

    class _PR(Generic[P, R]): ...

    class _R(Generic[R_co]): ...
else:

    class _Sub:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    _PR = _R = _Sub
    P = R = R_co = None

    def overload(function: object) -> object:
        return function


class Progress(Record):
    """How far a step is: ``done`` of ``total`` (bytes unless ``unit`` says else)."""

    what: str
    done: int = 0
    total: int = 0
    unit: str = "B"


class Outcome(Record):
    """An answer that a person wants to see beside its step."""

    def told(self) -> str:
        raise NotImplementedError


def nothing(output: str) -> None:
    """The parser of scripts whose output does not matter."""


def text(output: str) -> str:
    """The parser of scripts whose output is the answer."""
    return output


class Script(_R[R_co]):
    """Constant shell text with the words it is given, and the parser of its answer.

    ``stdin`` is handed to the script as its standard input (files, secrets): it never appears in a
    process list, a plan or a log.  Parsers raise ``ValueError`` (or a subclass) on nonsense.
    """

    def __init__(
        self,
        body: str,
        words: tuple[str, ...] = (),
        *,
        parse: Callable[[str], R_co],
        stdin: bytes = b"",
    ) -> None:
        self.body = body
        self.words = words
        self.parse = parse
        self.stdin = stdin

    @property
    def shell(self) -> str:
        """The text for ``sh``: the words set as positional parameters, then the body."""
        return "set -- " + " ".join(quote(word) for word in self.words) + "\n" + self.body

    def answer(self, output: str) -> R_co:
        try:
            return self.parse(output)
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            shown = output if len(output) < 200 else output[:200] + "…"
            raise Damaged(f"cannot understand what the node answered: {error}: {shown!r}") from None


def quote(word: str) -> str:
    """``word`` for a POSIX shell, as one word, whatever is in it."""
    if "\0" in word:
        raise ValueError("a NUL byte cannot be passed to a command")
    return "'" + word.replace("'", "'\\''") + "'"


@overload
def script(body: str, *words: object, stdin: bytes = b"") -> Script[None]: ...
@overload
def script(  # noqa: F811 - an overload
    body: str, *words: object, parse: Callable[[str], R], stdin: bytes = b""
) -> Script[R]: ...
def script(  # noqa: F811 - an overload
    body: str, *words: object, parse: Callable[[str], Any] = nothing, stdin: bytes = b""
) -> Script[Any]:
    """A :class:`Script` from constant text and words of any type."""
    return Script(body, tuple(_word(word) for word in words), parse=parse, stdin=stdin)


def _word(word: object) -> str:
    if word is None:
        return ""
    if isinstance(word, bool):
        return "yes" if word else "no"
    return str(word)


class Call(Record, _R[R_co]):
    """A node task with its arguments bound: the only thing that ever crosses SSH."""

    task: str
    node: str  # the node's name
    args: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.task, self.node, repr(sorted(self.args.items()))

    def __str__(self) -> str:
        words = " ".join(f"{k}={'…' if k == 'secret' else _shown(v)}" for k, v in self.args.items())
        return f"{self.node}: {self.task} {words}".rstrip()


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_shown(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{_shown(v)}" for k, v in value.items()) + "}"
    return _word(value)


class Task(_PR[P, R]):
    """A function that is planned (:meth:`on`) here and performed on a node."""

    def __init__(self, body: Callable[..., Any], *, dialogue: bool, deadline: float) -> None:
        self.body = body
        self.name = f"{body.__module__.removeprefix('gnt.')}.{body.__name__}"
        self.dialogue = dialogue
        self.deadline = deadline
        code = body.__code__
        self._names = code.co_varnames[int(dialogue) : code.co_argcount + code.co_kwonlyargcount]
        positional = code.co_varnames[: code.co_argcount]
        self._defaults = {
            **dict(zip(reversed(positional), reversed(body.__defaults__ or ()), strict=False)),
            **(body.__kwdefaults__ or {}),
        }
        TASKS[self.name] = self

    def on(self, node: str, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """This task on the node named ``node``, with these arguments."""
        bound = {**self._defaults, **dict(zip(self._names, args, strict=False)), **kwargs}
        if bound.keys() != set(self._names) or len(args) > len(self._names):
            raise TypeError(f"{self.name} takes {self._names}, not {args} {kwargs}")
        return Call(task=self.name, node=node, args={n: bound[n] for n in self._names})

    def script(self, call: Call[R]) -> Script[R]:
        """The script of a call of this (non-dialogue) task."""
        made: Script[R] = self.body(**call.args)
        return made


TASKS: dict[str, Task[..., Any]] = {}


def node_task(deadline: float = 60.0) -> Callable[[Callable[P, Script[R]]], Task[P, R]]:
    """Make a function that returns a :class:`Script` a task; ``deadline`` in seconds."""
    return lambda body: Task(body, dialogue=False, deadline=deadline)


def dialogue(
    deadline: float = 60.0,
) -> Callable[[Callable[Concatenate[Context, P], R]], Task[P, R]]:
    """Make a function of a :class:`Context` a task; ``deadline`` in seconds."""
    return lambda body: Task(body, dialogue=True, deadline=deadline)


def task_named(name: str) -> Task[..., Any]:
    """The task of a recorded call; imports the module that defines it."""
    if name not in TASKS:
        import importlib

        module, _, _ = name.rpartition(".")
        try:
            importlib.import_module(f"gnt.{module}")
        except ImportError:
            raise Damaged(f"there is no node task {name}") from None
    if name not in TASKS:
        raise Damaged(f"there is no node task {name}")
    return TASKS[name]


class Edit(Record):
    """Replace one object of the configuration, ``kind/key``; ``value=None`` drops it."""

    path: str
    value: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"config: {'drop' if self.value is None else 'put'} {self.path}"


class Step(Record):
    """One idempotent call and, where one exists, the call that takes it back.

    ``beside`` lets it run at the same time as the step before it (on another node).
    """

    do: Call[Any]
    undo: Call[Any] | None = None
    beside: bool = False
    title: str = ""  # for people: "create disk 0 (10.0G)"

    def __str__(self) -> str:
        return str(self.do)


class Plan(Record):
    """What one job does.

    ``start`` is committed together with the job's record, ``end`` with its removal; taking a job
    back restores what ``start`` changed.  ``attempt`` is undone in reverse when one of its steps
    fails.  ``settle`` comes after the point of no return, marked by committing ``pivot``, and is
    only ever pushed forward.
    """

    start: tuple[Edit, ...] = ()
    attempt: tuple[Step, ...] = ()
    pivot: tuple[Edit, ...] = ()
    settle: tuple[Step, ...] = ()
    end: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()  # what a person should know before it runs

    def __add__(self, other: Plan) -> Plan:
        """Both plans as one job: all attempts, then all settles."""
        return Plan(**{n: getattr(self, n) + getattr(other, n) for n in self.NAMES})

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.attempt + self.settle


def render(plan: Plan) -> Iterator[str]:
    """The plan for people: ``--dry-run`` and golden files print exactly this."""
    yield from (f"note   {note}" for note in plan.notes)
    yield from (f"start  {edit}" for edit in plan.start)
    for step in plan.attempt:
        back = f"    (undo: {step.undo})" if step.undo else ""
        yield f"{'  with' if step.beside else 'do    '} {step}{back}"
    yield from (f"pivot  {edit}" for edit in plan.pivot)
    yield from (f"{'  with' if step.beside else 'settle'} {step}" for step in plan.settle)
    yield from (f"end    {edit}" for edit in plan.end)
