"""Tests and mutants at work, in forks of a process that has imported and collected everything.

First the tests run with their lines and branches recorded.  A mutant's fork puts the changed
code into the functions as they are and runs tests that reach the changed statement, up to the
first failure.  So a mutant costs its tests and nothing else.
"""

from __future__ import annotations

import gc
import itertools
import os
import pathlib
import resource
import signal
import time
from types import CodeType, FunctionType

import coverage
import pytest

from gnt.record import Record
from tests.mutation.changes import ROOT
from tests.mutation.forks import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.mutation.changes import Mutant

# By file from the root: which tests reached a line, and the jumps (-N enters or leaves a function).
Went = dict[str, tuple[dict[int, list[str]], list[tuple[int, int]]]]
Report = tuple[str, int]  # how a mutant ended, and by which test
KILLED, SURVIVED, UNTESTED = "killed", "survived", "untested"
TOGETHER = 25  # tests that are measured in one fork
FIRST = 60.0  # seconds of wall in which a test ends that was never measured
PATIENCE = 30.0  # seconds of wall beyond ten times what the tests took: the machine may be busy


class Measured(Record):
    """Of a test: its place among the collected, CPU and wall seconds, lines reached by file."""

    index: int
    cost: float
    seconds: float
    passed: bool
    lines: dict[str, set[int]]


class Outcome:
    """A plugin that acts on the first failure, before anybody looks into it."""

    def __init__(self) -> None:
        self.failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        self.failed = self.failed or call.excinfo is not None


class Bench:
    """The collected tests of a session."""

    def __init__(self, session: pytest.Session, files: list[pathlib.Path]) -> None:
        self.session, self.items = session, session.items
        self.files = files
        self.functions = Functions()
        self.outcome = Outcome()
        session.config.pluginmanager.register(self.outcome)

    def _run(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self.outcome.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self.outcome.failed

    def _alone(self, folder: pathlib.Path) -> None:
        """A folder for temporary files, and no output."""
        (folder / "tests").mkdir()
        factory = self.session.config._tmp_path_factory  # type: ignore[attr-defined]  # pytest's own
        factory._basetemp = folder / "tests"
        reporter = self.session.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter._tw._file = open(os.devnull, "w")  # noqa: SIM115 - until the process ends

    def measure(self, done: Callable[[list[Measured], Went], None]) -> Iterator[Task]:
        """The tests, some of one module at a time."""
        for _, module in itertools.groupby(range(len(self.items)),
                                           lambda index: self.items[index].path):
            for some in batched(list(module), TOGETHER):
                yield Task(work=lambda folder, some=some: self._measured(some, folder),
                           done=lambda value, some=some: done(*self._known(some, value)),
                           seconds=FIRST * len(some))

    def _measured(self, some: list[int], folder: pathlib.Path) -> tuple[list[object], Went]:
        """Of each test: CPU and wall seconds and whether it passed; and the lines it reached."""
        self._alone(folder)
        watch = watcher(self.files)
        watch.start()
        figures: list[object] = []
        for index, following in zip(some, [*some[1:], None], strict=True):
            watch.switch_context(str(index))
            begun = time.monotonic(), _cpu()
            passed = self._run(self.items[index], following and self.items[following])
            figures.append((_cpu() - begun[1], time.monotonic() - begun[0], passed))
        return figures, gone_to(watch)

    @staticmethod
    def _known(some: list[int], value: tuple[list[object], Went] | None,
               ) -> tuple[list[Measured], Went]:
        figures, went = value or ([(0.0, 0.0, False)] * len(some), {})
        lines: dict[str, dict[str, set[int]]] = {str(index): {} for index in some}
        for file, (by_line, _) in went.items():
            for line, contexts in by_line.items():
                for context in contexts:
                    if context in lines:
                        lines[context].setdefault(file, set()).add(line)
        return [Measured(index=index, cost=cost, seconds=seconds, passed=passed,
                         lines=lines[str(index)])
                for index, (cost, seconds, passed) in zip(some, figures, strict=True)], went

    def mutant(self, mutant: Mutant, chosen: list[Measured],
               done: Callable[[Report], None]) -> Task:
        """One mutant against these tests, one after the other."""
        def work(folder: pathlib.Path) -> Report:
            self._alone(folder)
            if not self.functions.put(mutant):
                return UNTESTED, -1
            for number, one in enumerate(chosen):
                (folder / "at").write_text(str(one.index))
                signal.setitimer(signal.ITIMER_PROF, 3 + 4 * one.cost)  # or it is a loop, and ends
                following = chosen[number + 1: number + 2]
                if not self._run(self.items[one.index],
                                 self.items[following[0].index] if following else None):
                    return KILLED, one.index
            return SURVIVED, -1

        return Task(work=work, done=lambda value: done(value or (KILLED, -1)),
                    seconds=PATIENCE + 10 * sum(one.seconds for one in chosen))


def batched(some: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(some), size):
        yield some[start:start + size]


def watcher(files: list[pathlib.Path]) -> coverage.Coverage:
    """To record where these files' code goes."""
    watch = coverage.Coverage(data_file=None, branch=True, config_file=False, messages=False,
                              include=[str(place) for file in files for place in names(file)])
    watch.set_option("run:disable_warnings", ["no-data-collected"])
    return watch


def gone_to(watch: coverage.Coverage) -> Went:
    """What was recorded, which is thereby ended."""
    watch.stop()
    data = watch.get_data()
    return {str(pathlib.Path(file).resolve().relative_to(ROOT)):
            (data.contexts_by_lineno(file), data.arcs(file) or [])
            for file in data.measured_files()}


def _cpu() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def names(file: pathlib.Path) -> set[pathlib.Path]:
    """What a file may be called: with and without the links in gnt/."""
    linked = ROOT / "gnt" / file.relative_to(ROOT)
    return {file} | ({linked} if linked.exists() else set())


class Functions:
    """All functions there are, by file and qualified name of the outermost."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[FunctionType]] = {}
        for one in gc.get_objects():
            if type(one) is FunctionType:
                code = one.__code__
                where = (os.path.realpath(code.co_filename), outermost(code.co_qualname))
                self.held.setdefault(where, []).append(one)

    def put(self, mutant: Mutant) -> bool:
        """Put the changed code of a function in its place, wherever it is held."""
        fresh = {(code.co_qualname, code.co_firstlineno): code for code in _codes(mutant.code())}
        done = False
        for one in self.held.get((str(ROOT / mutant.file), mutant.function), []):
            old = one.__code__
            code = fresh.get((old.co_qualname, old.co_firstlineno))
            if code is not None and code.co_freevars == old.co_freevars:
                one.__code__ = code
                done = True
        return done


def outermost(qualname: str) -> str:
    """The function that holds a lambda or an inner function."""
    return qualname.partition(".<locals>")[0]


def _codes(code: CodeType) -> Iterable[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _codes(const)
