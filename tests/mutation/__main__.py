"""The mutation score: ``python -m tests.mutation [--from N] [--percent N] [--jobs N] [FILE…]``.

Changes the code of the configuration, the engine and the signatures, one small thing at a time,
and counts how many changes the tests notice.  ``--percent`` takes the same part of all mutants each
time, ``--from`` another part: one that nobody looked at while writing tests gives a fair score.
``--again LOG`` tries only what survived a run before, ``--tests FILE`` with these tests only.
``--branches`` also wants the same tests to take every branch.

Survivors are listed; those that change nothing anybody could see are in ``equivalent.txt``, each
with the reason.  The exit status is 1 below ``LEAST``, or if a wanted branch was not taken.
"""

from __future__ import annotations

import argparse
import collections
import math
import os
import pathlib
import re
import shutil
import sys
import time

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.mutation.changes import ROOT, Module, Mutant, share
from tests.mutation.forks import SCRATCH, Pool
from tests.mutation.workers import (
    KILLED,
    SURVIVED,
    UNTESTED,
    Bench,
    Measured,
    Report,
    Went,
    gone_to,
    watcher,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mutation.forks import Task

LEAST = 90.0  # percent
MOST = 10.0  # seconds of CPU of tests for one mutant, as measured without it
STEP = 200  # mutants, then the score so far is told
CODE = ("config", "gnt/engine")
TESTS = ("tests/config", "tests/engine", "tests/crash/test_crash.py", "tests/fuzz/test_found.py",
         "tests/simulation/test_found.py", "tests/simulation/test_cuts.py",
         "tests/hostile")
SLOW = ("test_races.py", "test_random_faults.py", "test_shared_copy.py")  # many real processes
EQUIVALENT = pathlib.Path(__file__).parent / "equivalent.txt"


def wanted(words: list[str]) -> list[pathlib.Path]:
    """The files to be changed."""
    places = [ROOT / word for word in words] or [ROOT / folder for folder in CODE]
    return sorted(file for place in places
                  for file in (place.rglob("*.py") if place.is_dir() else [place]))


def equivalent() -> dict[str, str]:
    """Key of a mutant → why nobody can notice it."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    pairs = [line.split(" | ", 1) for line in lines if line and not line.startswith("#")]
    return {key: reason for key, reason in pairs}


def interval(hits: int, total: int) -> tuple[float, float]:
    """Percent between which the share of all lies, in 95 of 100 samples (Wilson)."""
    z, part = 1.96, hits / total
    middle = (part + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(part * (1 - part) / total + z * z / (4 * total**2))
    return 100 * (middle - half), 100 * (middle + half)


def branches(jumps: dict[str, set[tuple[int, int]]]) -> float:
    """Percent of the branches that are taken; those that are not are told."""
    watch = coverage.Coverage(data_file=None, config_file=str(ROOT / "packaging/coverage.ini"))
    watch.get_data().add_arcs({str(ROOT / file): arcs for file, arcs in jumps.items()})
    return watch.report(file=sys.stdout)


class Tests:
    """The tests that pass, by the lines they reach."""

    def __init__(self) -> None:
        self.by_line: dict[tuple[str, int], list[Measured]] = {}
        self.kills: dict[tuple[str, str], collections.Counter[int]] = {}

    def add(self, one: Measured) -> None:
        for file, lines in one.lines.items():
            for line in lines:
                self.by_line.setdefault((file, line), []).append(one)

    def choose(self, mutant: Mutant) -> list[Measured]:
        """Those that reach the statement: the cheapest for as long as one is ready to wait, and
        of these first what has noticed other changes of the function."""
        found = {one.index: one for line in mutant.lines
                 for one in self.by_line.get((mutant.file, line), [])}
        chosen, cost = [], 0.0
        for one in sorted(found.values(), key=lambda test: test.cost):
            cost += one.cost
            if chosen and cost > MOST:
                break
            chosen.append(one)
        kills = self.kills.get((mutant.file, mutant.function), collections.Counter())
        return sorted(chosen, key=lambda test: (-kills[test.index], test.cost))

    def noticed(self, mutant: Mutant, index: int) -> None:
        self.kills.setdefault((mutant.file, mutant.function), collections.Counter())[index] += 1


class Score:
    """A plugin that runs mutants instead of tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.imports = watcher(wanted(options.files))  # sees what runs when modules are imported
        self.ends: dict[str, list[Mutant]] = {KILLED: [], SURVIVED: [], UNTESTED: []}
        self.tests = Tests()
        self.bench: Bench
        self.branches = 100.0  # percent of them taken

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        files = wanted(self.options.files)
        mutants = self._mutants(files)  # of the code that was imported, whatever is saved meanwhile
        self.bench = Bench(session, files)
        pool, begun = Pool(self.options.jobs), time.monotonic()
        tests: list[Measured] = []
        jumps = {str(file.relative_to(ROOT)): set[tuple[int, int]]() for file in files}

        def measured(some: list[Measured], went: Went) -> None:
            tests.extend(some)
            for file, (_, arcs) in went.items():
                jumps[file].update(arcs)

        measured([], gone_to(self.imports))

        pool.run(self.bench.measure(measured))
        for one in sorted(tests, key=lambda test: test.index):
            if one.passed:
                self.tests.add(one)
            else:
                print(f"fails without any change: {self.bench.items[one.index].nodeid}")
        print(f"{len(tests)} tests, {sum(one.cost for one in tests):.0f} s of CPU, "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        self.branches = branches(jumps) if self.options.branches else 100.0
        pool.run(self._tasks(mutants))
        return True

    def _mutants(self, files: list[pathlib.Path]) -> list[Mutant]:
        """In the order of their share, so that what is done so far is a fair sample."""
        gone, again = equivalent(), self._again()
        part = range(self.options.first, self.options.first + self.options.percent)
        every = [mutant for file in files for mutant in Module(file).mutants()]
        keys, paths = {one.key for one in every}, {one.file for one in every}
        for key in gone:
            if key.partition(" ")[0] in paths and key not in keys:
                print(f"listed as equivalent, but no mutant any more: {key}")
        return sorted((one for one in every if one.key not in gone and share(one.key) in part
                       and (not again or one.key in again)), key=lambda one: share(one.key))

    def _again(self) -> set[str]:
        """The survivors of a run before, from what it printed."""
        if not self.options.again:
            return set()
        lines = pathlib.Path(self.options.again).read_text().splitlines()
        shown = re.compile(rf"(?:{SURVIVED}|{UNTESTED}) +(.*) \(line \d+\)")
        found = [shown.fullmatch(one) for one in lines]
        return {one[1] for one in found if one}

    def _tasks(self, mutants: list[Mutant]) -> Iterator[Task]:
        for mutant in mutants:
            chosen = self.tests.choose(mutant)
            if not chosen:
                self._tell(mutant, (UNTESTED, -1))
                continue
            yield self.bench.mutant(mutant, chosen,
                                    lambda report, mutant=mutant: self._tell(mutant, report))

    def _tell(self, mutant: Mutant, report: Report) -> None:
        how, index = report
        self.ends[how].append(mutant)
        self.tests.noticed(mutant, index)
        if how != KILLED:
            print(f"{how:9} {mutant.key} (line {mutant.line})", flush=True)
        if sum(map(len, self.ends.values())) % STEP == 0:
            self.report()

    def report(self) -> float:
        counts = {how: len(mutants) for how, mutants in self.ends.items()}
        killed, total = counts[KILLED], sum(counts.values())
        if not total:
            return 100.0
        score, (low, high) = 100.0 * killed / total, interval(killed, total)
        print(f"mutation score {score:.1f} % ({low:.1f} to {high:.1f}): {killed} of {total} "
              f"mutants noticed ({counts[SURVIVED]} survived, {counts[UNTESTED]} in statements "
              f"that no test reaches; {len(equivalent())} are listed as equivalent)", flush=True)
        return score


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--percent", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="PERCENT")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--branches", action="store_true", help="every branch is to be taken, too")
    parser.add_argument("--again", help="only the survivors in the output of a run before")
    parser.add_argument("--tests", action="append", metavar="FILE", help="while writing them")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(words)
    score = Score(options)
    score.imports.start()
    settings.register_profile("mutation", deadline=None, derandomize=True, database=None,
                              max_examples=30, suppress_health_check=list(HealthCheck),
                              phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutation")
    status = pytest.main(["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no",
                          "--assert=plain", "-m", "not lab and not slow",
                          *(f"--ignore=tests/config/{name}" for name in SLOW),
                          *(options.tests or TESTS)], plugins=[score])
    if status not in (0, 1, 5):
        return int(status)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return 0 if score.report() >= LEAST and score.branches == 100.0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
