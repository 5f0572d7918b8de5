"""A short fuzzing of every parser: what was found before, and some inputs made anew.

``make fuzz SECONDS=600`` goes on for longer, guided by coverage.
"""

from __future__ import annotations

import ast
import functools
import pathlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.changes import NASTY, change
from tests.fuzz.target import Lines, load, outcome

TARGETS = load()
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = {"verify": 4, "argv": 10}
MANY = 60


@functools.cache
def _replayed(name: str) -> tuple[frozenset[tuple[str, int]], frozenset[str]]:
    """(lines of gnt that the corpus reaches, how its inputs ended)"""
    lines, ends = set(), set()
    for data in TARGETS[name].corpus():
        reached = Lines()
        with reached:
            ends.add(outcome(TARGETS[name], data))
        lines |= {(file, line) for file, _, line in reached.edges}
    return frozenset(lines), frozenset(ends)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_corpus_finds_nothing_any_more(name: str) -> None:
    """Every target understands something, so that it is known to be about its parser."""
    assert "accepted" in _replayed(name)[1]


def _inputs(name: str) -> st.SearchStrategy[bytes]:
    one = TARGETS[name]
    corpus = one.corpus()
    words = st.lists(st.sampled_from((*one.words, *NASTY)) | st.binary(max_size=6), max_size=9)
    return st.one_of(
        st.randoms(use_true_random=False).map(lambda source: change(source, corpus, one.words)),
        words.map(b"".join), words.map(b" ".join),
        st.text(max_size=60).map(lambda typed: typed.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_any_input_is_an_answer_or_an_error_of_ours(name: str) -> None:
    @settings(max_examples=EXAMPLES.get(name, MANY), deadline=None, derandomize=True,
              database=None, suppress_health_check=list(HealthCheck))
    @given(_inputs(name))
    def run(data: bytes) -> None:
        assert outcome(TARGETS[name], data)

    run()


PARSERS = re.compile(r"_?(parse|parsed|read|load|decode|split|take_apart|unarmored|understood|"
                     r"public_bytes)(_.*)?")
ELSEWHERE = {  # what the name suggests, but for a reason: place → reason
    **dict.fromkeys((
        "gnt/engine/desk.py:read", "gnt/engine/ports.py:read", "gnt/session/riding.py:read",
        "gnt/engine/follow.py:read_log", "gnt/engine/together.py:read",
        "gnt/session/running.py:read", "config/store.py:read", "config/store.py:_read_elsewhere",
        "config/facts.py:_read", "commands/instance/add.py:read", "gnt/model/config.py:load",
        "config/snapshot.py:load", "config/sqlite_state.py:load", "gnt/htools/monitored.py:load",
        "gnt/htools/show.py:load", "gnt/htools/reboot.py:split", "ssh/lean.py:load_fabric",
        "commands/group/assign_nodes.py:_split", "config/remote.py:_understood",
        "config/remote.py:understood", "config/message.py:understood", "ssh/local.py:_read",
        "commands/htools/_options.py:load", "gnt/htools/load.py:read",
        "commands/cluster/_exported.py:read", "ssh/identity.py:load",
    ), "gets values or calls others; understands no text by itself"),
    **dict.fromkeys((
        "gnt/lab/main.py:parse", "gnt/lab/main.py:read", "gnt/lab/processes.py:_read",
    ), "of the lab, which is for trying"),
    "ssh/wire.py:read_message": "packets that the connection's cipher has authenticated",
    "config/columns.py:load_columns": "marshal, of a file that only this user can write",
    "config/replica.py:_read_seen": "two numbers, read by values.natural; a target: size",
    "commands/_tags.py:_read": "lines of a file; a target: named",
    "config/context.py:load": "canon.read and from_data; a target: pins",
}


def _parsers() -> dict[str, range]:
    """Functions of one argument or more whose names say that they parse, and their lines."""
    found = {}
    for folder in ("gnt", "commands", "config", "ssh"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.is_symlink() or any(part.is_symlink() for part in file.parents):
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef) and PARSERS.fullmatch(node.name):
                    place = f"{file.relative_to(ROOT)}:{node.name}"
                    found[place] = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    return found


def test_every_parser_has_a_target() -> None:
    reached: dict[str, set[int]] = {}
    for name in TARGETS:
        for file, line in _replayed(name)[0]:
            reached.setdefault(str(pathlib.Path(file).resolve()), set()).add(line)
    unreached = [place for place, lines in _parsers().items()
                 if place not in ELSEWHERE
                 and not reached.get(str(ROOT / place.partition(":")[0]), set()) & set(lines)]
    assert unreached == []
