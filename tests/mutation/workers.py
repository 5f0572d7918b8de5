"""Mutants at work: processes that are forks of one which has imported and collected everything.

A fork puts the changed code into the functions as they are, runs the tests that call them, the
quickest first, and ends at the first that fails.  So a mutant costs its tests and nothing else.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import pickle
import resource
import shutil
import sys
import threading
import time
from types import CodeType, FunctionType

import pytest

from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any

    from tests.mutation.changes import Mutant

SCRATCH = pathlib.Path("/tmp/gnt-mutation")
MOST = 20.0  # seconds of tests for one mutant, as measured without it
KILLED, SURVIVED, UNTESTED = "killed", "survived", "untested"


class Measured(Record):
    """Of a test: its place among the collected, seconds, and the functions it called."""

    index: int
    seconds: float
    passed: bool
    called: frozenset[tuple[str, str]]  # (file, function with its class)


class Calls:
    """The functions of some files that are called inside ``with``, in all threads."""

    def __init__(self, files: frozenset[str]) -> None:
        self.files = files
        self.codes: set[CodeType] = set()

    def __enter__(self) -> Calls:
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # it may be taken away

    def _enter(self, frame: FrameType, event: str, _: Any) -> None:
        if frame.f_code.co_filename in self.files:
            self.codes.add(frame.f_code)

    def names(self) -> frozenset[tuple[str, str]]:
        return frozenset((os.path.realpath(code.co_filename), outermost(code.co_qualname))
                         for code in self.codes)


def outermost(qualname: str) -> str:
    """The function that holds a lambda or an inner function."""
    return qualname.partition(".<locals>")[0]


class Outcome:
    """A plugin that remembers whether a test failed."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed


def fork(work: Any) -> int:
    """Run ``work`` in a child of its own group; its process id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        status = work()
    except BaseException:  # noqa: BLE001 - nothing may come back from a fork
        status = 99
    os._exit(status)


def end(group: int) -> None:
    """End what a child has left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, 9)


class Bench:
    """The collected tests of a session."""

    def __init__(self, session: pytest.Session, files: Iterable[str]) -> None:
        self.session = session
        self.items = session.items
        self.files = frozenset(files)
        self.outcome = Outcome()
        session.config.pluginmanager.register(self.outcome)

    def _run(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self.outcome.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self.outcome.failed

    def _alone(self, name: str) -> None:
        """A folder for temporary files, and no output."""
        folder = SCRATCH / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]  # pytest's own
        reporter = self.session.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter._tw._file = open(os.devnull, "w")  # noqa: SIM115 - until the process ends

    def measure(self) -> list[Measured]:
        """Run all tests once, in a fork."""
        file = SCRATCH / "measured"
        SCRATCH.mkdir(parents=True, exist_ok=True)

        def work() -> int:
            self._alone("measure")
            found = []
            for index, item in enumerate(self.items):
                calls, begun = Calls(self.files), time.monotonic()
                with calls:
                    passed = self._run(item, (*self.items[index + 1:], None)[0])
                found.append(Measured(index=index, seconds=time.monotonic() - begun, passed=passed,
                                      called=calls.names()))
            file.write_bytes(pickle.dumps([dict(one.items()) for one in found]))
            return 0

        child = fork(work)
        _, status = os.waitpid(child, 0)
        end(child)
        assert status == 0, "the tests could not be measured"
        return [Measured(**one) for one in pickle.loads(file.read_bytes())]

    def start(self, mutant: Mutant, chosen: list[Measured], slot: int) -> int:
        """Begin with a mutant; the process ends with 0 when it survives."""
        def work() -> int:
            limit = int(sum(one.seconds for one in chosen) * 3) + 10
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            self._alone(f"slot{slot}")
            if not put(mutant):
                return 98
            picked = [self.items[one.index] for one in chosen]
            for number, item in enumerate(picked):
                if not self._run(item, (*picked[number + 1:], None)[0]):
                    return 1
            return 0

        return fork(work)


def put(mutant: Mutant) -> bool:
    """Put the changed code of a function in its place, wherever it is held."""
    assert isinstance(mutant.code, CodeType)
    file = os.path.realpath(mutant.code.co_filename)
    fresh = {(code.co_qualname, code.co_firstlineno): code for code in _codes(mutant.code)}
    done = False
    for one in gc.get_objects():
        if type(one) is FunctionType and outermost(one.__code__.co_qualname) == mutant.function:
            code = fresh.get((one.__code__.co_qualname, one.__code__.co_firstlineno))
            if code is not None and os.path.realpath(one.__code__.co_filename) == file and (
                    code.co_freevars == one.__code__.co_freevars):
                one.__code__ = code
                done = True
    return done


def _codes(code: CodeType) -> Iterable[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _codes(const)
