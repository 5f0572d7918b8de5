"""What is fuzzed: a parser, what is known to be understood by it, and what it may never do.

A target takes any bytes.  It returns what was accepted (anything but None, so that a fuzzer can
tell inputs apart) or raises one of gnt's own errors; it asserts that what was accepted makes sense,
usually that it can be written and read again.  Every other exception is a bug, and so is going on
for longer than ``STEPS`` lines of Python or ``SECONDS`` of CPU.
"""

from __future__ import annotations

import hashlib
import pathlib
import signal
import sys

from gnt.errors import GntError
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

CORPUS = pathlib.Path(__file__).parent / "corpus"
LARGEST = 8192  # bytes of one input: bigger ones find nothing that these do not
SECONDS = 20  # of CPU for one input
STEPS = 400_000  # lines of Python for one input
PRODUCT = str(pathlib.Path(__file__).resolve().parents[2])


class Target(Record):
    """``words``: pieces of the language, which inputs are made of and changed with."""

    name: str
    run: Callable[[bytes], object]
    words: tuple[bytes, ...]
    seeds: tuple[bytes, ...]

    @property
    def folder(self) -> pathlib.Path:
        return CORPUS / self.name

    def corpus(self) -> list[bytes]:
        """The seeds, and what was found interesting before."""
        kept = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [*self.seeds, *(file.read_bytes() for file in kept)]

    def keep(self, data: bytes) -> pathlib.Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / hashlib.sha256(data).hexdigest()[:12]
        file.write_bytes(data)
        return file


TARGETS: dict[str, Target] = {}


def target(
    *, words: str, seeds: tuple[str | bytes, ...], name: str = "",
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Declare a target; ``words`` are separated by blanks."""
    def declare(run: Callable[[bytes], object]) -> Callable[[bytes], object]:
        made = Target(
            name=name or run.__name__, run=run,
            words=tuple(word.encode() for word in words.split(" ") if word),
            seeds=tuple(s.encode() if isinstance(s, str) else s for s in seeds))
        TARGETS[made.name] = made
        return run
    return declare


def text(data: bytes) -> str:
    """An input as text; bytes that are no UTF-8 become what a terminal would hand over."""
    return data.decode("utf-8", "surrogateescape")


def answered(data: bytes) -> str:
    """An input as the text of a node's answer: transports replace what is no UTF-8."""
    return data.decode("utf-8", "replace")


class TooLong(AssertionError):
    """An input that keeps a parser busy for ever, or nearly."""


def outcome(one: Target, data: bytes) -> str:
    """How an input ended: ``accepted``, or the name of the error that refused it.

    Raises what is a bug.  An error without a message is one.
    """
    signal.signal(signal.SIGVTALRM, _late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return "refused" if one.run(data[:LARGEST]) is None else "accepted"
    except GntError as error:
        assert error.message.strip(), "an error that says nothing"
        assert len(error.message) < 4 * LARGEST + 4096, "an error that fills the screen"
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _late(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {SECONDS} s of CPU")


class Lines:
    """The lines of gnt that ran inside ``with``, as (file, line) pairs of neighbours."""

    def __init__(self) -> None:
        self.edges: set[tuple[str, int, int]] = set()
        self.steps = 0

    def __enter__(self) -> Lines:
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(PRODUCT) or "/tests/" in name or "/.venv/" in name:
            return None
        before = 0

        def line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            self.steps += 1
            if self.steps > STEPS:
                raise TooLong(f"more than {STEPS} lines of Python")
            self.edges.add((name, before, frame.f_lineno))
            before = frame.f_lineno
            return line

        return line


def load() -> dict[str, Target]:
    """All targets, by name."""
    import importlib

    for file in sorted(pathlib.Path(__file__).parent.glob("of_*.py")):
        importlib.import_module(f"tests.fuzz.{file.stem}")
    return TARGETS


def changed(one: Target, source: Any, corpus: list[bytes]) -> Iterator[bytes]:
    """Inputs without end, made of the corpus and the words; ``source``: a ``random.Random``."""
    from tests.fuzz.changes import change

    while True:
        yield change(source, corpus, one.words)[:LARGEST]
