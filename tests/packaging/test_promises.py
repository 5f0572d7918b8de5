"""The page of promises: every test and every command that it names is there."""

from __future__ import annotations

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "man/prose/promises.rst").read_text()
TEST = re.compile(r"``(tests/[\w/]+\.py)(?:::(\w+))?``")
COMMAND = re.compile(r"``make ([\w-]+)((?: [A-Z]+=\w*)*)``")


def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(PAGE)
    missing = [f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or (
        name and name not in _functions(path))]
    assert missing == []
    assert len(named) > 50


def test_every_command_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text() + (ROOT / "packaging/deliver.mk").read_text()
    named = COMMAND.findall(PAGE)
    assert [name for name, _ in named if f"\n{name}: " not in makefile] == []
    words = {word.partition("=")[0] for _, words in named for word in words.split()}
    assert [word for word in words if f"\n{word} := " not in makefile] == []
    assert len(named) > 3


def test_every_promise_names_a_test() -> None:
    """A paragraph that begins in bold is a promise; what follows it is how it is tested."""
    chapters = PAGE.partition("WHAT IS NOT PROMISED")[0]
    promises = re.split(r"\n(?=\*\*)", chapters)[1:]
    untested = [one.splitlines()[0] for one in promises if not TEST.search(one)]
    assert untested == []
    assert len(promises) > 15
