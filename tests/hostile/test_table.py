"""The page of attacks: every attack on it is a test that exists, and every test is on it."""

from __future__ import annotations

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "man/prose/security.rst").read_text()
CHAPTER = re.compile(r"Test in ``(tests/hostile/\w+\.py)``\n(.*?)\n\n", re.DOTALL)
NAMED = re.compile(r"``(tests/\w+/\w+\.py)(?:::(\w+))?``")


def attacks_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_the_tables_name_all_attacks_and_no_others() -> None:
    chapters = CHAPTER.findall(PAGE)
    tried = {path: set(re.findall(r"``(test_\w+)``", table)) for path, table in chapters}
    files = {f"tests/hostile/{path.name}" for path in (ROOT / "tests/hostile").glob("test_*.py")}
    assert tried.keys() == files - {"tests/hostile/test_table.py"}
    assert tried == {path: attacks_in(path) for path in tried}


def test_what_is_tried_elsewhere_is_there() -> None:
    named = NAMED.findall(PAGE)
    missing = [f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or (
        name and name not in attacks_in(path))]
    assert missing == []
    assert len(named) > 10
