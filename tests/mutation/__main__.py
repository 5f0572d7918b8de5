"""The mutation score: ``python -m tests.mutation [--percent N] [--jobs N] [FILE…]``.

``--again LOG`` tries only what survived a run before.

Changes the code of the configuration, the engine and the signatures, one small thing at a time,
and counts how many changes the tests notice.  ``--percent`` takes the same part of all mutants each
time.  Survivors are listed; those that change nothing anybody could see are in ``equivalent.txt``,
each with the reason.  The exit status is 1 below ``LEAST``.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import signal
import sys
import time

import pytest
from hypothesis import HealthCheck, settings

from tests.mutation.changes import ROOT, Module, Mutant, share
from tests.mutation.workers import KILLED, MOST, SCRATCH, SURVIVED, UNTESTED, Bench, Measured, end

LEAST = 90.0  # percent
STEP = 4  # percent of the mutants, then the score so far is told
CODE = ("config", "gnt/engine")
TESTS = ("tests/config", "tests/engine", "tests/crash/test_crash.py", "tests/fuzz/test_found.py",
         "tests/simulation/test_found.py", "tests/simulation/test_cuts.py",
         "tests/hostile/test_consent.py", "tests/hostile/test_config.py")
SLOW = ("test_races.py", "test_random_faults.py", "test_shared_copy.py")  # many real processes
PATIENCE = 90.0  # seconds of wall beyond three times what the tests took: waiting costs no CPU
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


class Score:
    """A plugin that runs mutants instead of tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ends: dict[str, list[Mutant]] = {KILLED: [], SURVIVED: [], UNTESTED: []}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        files = wanted(self.options.files)
        gone, again = equivalent(), self._again()
        bench = Bench(session, [str(path) for file in files for path in _names(file)])
        begun = time.monotonic()
        tests = [one for one in bench.measure() if self._usable(bench, one)]
        print(f"{len(tests)} tests, {time.monotonic() - begun:.0f} s", flush=True)
        run = Run(bench, tests, self.options.jobs, self._tell)
        for first in range(0, self.options.percent, STEP):  # what is done so far is a fair sample
            part = range(first, min(first + STEP, self.options.percent))
            for file in files:
                run.all(Module(file).mutants(
                    lambda key, part=part: key not in gone and share(key) in part
                    and (not again or key in again)))
            self.report()
        return True

    def _again(self) -> set[str]:
        """The survivors of a run before, from what it printed."""
        if not self.options.again:
            return set()
        lines = pathlib.Path(self.options.again).read_text().splitlines()
        shown = re.compile(rf"(?:{SURVIVED}|{UNTESTED}) +(.*) \(line \d+\)")
        found = [shown.fullmatch(one) for one in lines]
        return {one[1] for one in found if one}

    @staticmethod
    def _usable(bench: Bench, one: Measured) -> bool:
        if not one.passed:
            print(f"fails without any change: {bench.items[one.index].nodeid}")
        return one.passed

    def _tell(self, mutant: Mutant, how: str) -> None:
        self.ends[how].append(mutant)
        if how != KILLED:
            print(f"{how:9} {mutant.key} (line {mutant.line})", flush=True)

    def report(self) -> float:
        killed, counts = len(self.ends[KILLED]), {how: len(m) for how, m in self.ends.items()}
        total = sum(counts.values())
        score = 100.0 * killed / total if total else 100.0
        print(f"mutation score {score:.1f} %: {killed} of {total} mutants noticed "
              f"({counts[SURVIVED]} survived, {counts[UNTESTED]} in functions that no test calls; "
              f"{len(equivalent())} are listed as equivalent)", flush=True)
        return score


def _names(file: pathlib.Path) -> set[str]:
    """What a file may be called in tracebacks: with and without the links in gnt/."""
    linked = ROOT / "gnt" / file.relative_to(ROOT)
    return {str(file)} | ({str(linked)} if linked.exists() else set())


class Run:
    """Some mutants at a time."""

    def __init__(self, bench: Bench, tests: list[Measured], jobs: int, tell: object) -> None:
        self.bench, self.jobs, self.tell = bench, jobs, tell
        self.by_function: dict[tuple[str, str], list[Measured]] = {}
        for one in sorted(tests, key=lambda test: test.seconds):
            for function in one.called:
                self.by_function.setdefault(function, []).append(one)
        self.busy: dict[int, tuple[Mutant, int, float]] = {}  # child: what, slot, until

    def all(self, mutants: object) -> None:
        for mutant in mutants:  # type: ignore[attr-defined]  # any iterable of them
            chosen = self._chosen(mutant)
            if not chosen:
                self.tell(mutant, UNTESTED)  # type: ignore[operator]  # a function
                continue
            while len(self.busy) >= self.jobs:
                self._wait()
            slot = next(n for n in range(self.jobs)
                        if n not in {slot for _, slot, _ in self.busy.values()})
            until = time.monotonic() + PATIENCE + 3 * sum(one.seconds for one in chosen)
            self.busy[self.bench.start(mutant, chosen, slot)] = mutant, slot, until
        while self.busy:
            self._wait()

    def _chosen(self, mutant: Mutant) -> list[Measured]:
        """The quickest tests that call the function, for as long as one is ready to wait."""
        chosen, seconds = [], 0.0
        for one in self.by_function.get((str(ROOT / mutant.file), mutant.function), []):
            seconds += one.seconds
            if chosen and seconds > MOST:
                break
            chosen.append(one)
        return chosen

    def _wait(self) -> None:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child not in self.busy:
            for late, (_, _, until) in self.busy.items():
                if time.monotonic() > until:
                    os.kill(late, signal.SIGKILL)
            time.sleep(0.01)
            return
        mutant, _, _ = self.busy.pop(child)
        end(child)
        survived = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        untested = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 98
        how = SURVIVED if survived else UNTESTED if untested else KILLED
        self.tell(mutant, how)  # type: ignore[operator]  # a function


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--percent", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", help="only the survivors in the output of a run before")
    parser.add_argument("files", nargs="*")
    score = Score(parser.parse_args(words))
    settings.register_profile("mutation", deadline=None, derandomize=True, database=None,
                              max_examples=30, suppress_health_check=list(HealthCheck))
    settings.load_profile("mutation")
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no",
                          "-m", "not lab and not slow",
                          *(f"--ignore=tests/config/{name}" for name in SLOW), *TESTS],
                         plugins=[score])
    if status not in (0, 1, 5):
        return int(status)
    import shutil

    shutil.rmtree(SCRATCH, ignore_errors=True)
    return 0 if score.report() >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
