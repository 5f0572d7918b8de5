"""Every place in Python that writes a file of the driver or of a candidate, and what lets it fail.

The places are taken from the code: a new one fails here until it is said what happens when the
disk is full, breaks, or keeps a part.  Those of shell scripts are in ``test_shell_faults.py``.
"""

from __future__ import annotations

import ast
import pathlib

import gnt
from tests.simulation.filesystem import SimulatedDisk

ROOT = pathlib.Path(gnt.__file__).parent
TESTS = pathlib.Path(__file__).parent.parent
PACKAGES = ("config", "engine", "session", "ssh", "cli")
OS_CALLS = {
    "write", "pwrite", "writev", "sendfile", "rename", "replace", "truncate", "ftruncate", "fsync",
    "fdatasync", "link", "symlink", "unlink", "remove", "rmdir", "mkdir", "makedirs",
}
OTHERS = {"write_text", "write_bytes", "mkstemp", "NamedTemporaryFile"}

#: All of the store's: each is a method that ``test_faults.py`` and the simulation let fail.
DISK = {"open", "write", "truncate", "fsync", "rename"}

STORE = "config/test_faults.py::test_every_write_site"
STATE = "config/test_full_driver.py::test_every_size_to_which_the_state_may_grow"
LOCKS = "- it holds no state: what cannot be opened is refused by its name, and nothing was done"
GONE = "- it takes away only what nobody needs any more"

#: {module: {function: the test that lets it fail, or why there is none}}
SITES = {
    "config.disk": {
        **dict.fromkeys(DISK, STORE), "remove": STORE, "prepare": LOCKS, "lock": LOCKS,
        "lock_term": LOCKS, "begin_lease": "config/test_turns.py::*",
        "give": "config/test_recall.py::"
                "test_a_note_that_cannot_be_made_lets_the_others_be_asked_again",
    },
    "config.columns": {"save_columns": "config/test_full_driver.py::"
                       "test_columns_that_cannot_be_kept_are_not_there"},
    "config.sqlite_state": {"reset": STATE, "_unlink": GONE},
    "config.context": {"forget": GONE},
    "config.export": {"export": "- into a new folder, which is named when it is cut off"},
    "config.consent": {"_write": "config/test_full_driver.py::"
                       "test_what_others_agreed_to_stays_when_one_more_cannot_be_added"},
    "config.signature": {"make_key": "config/test_full_driver.py::test_half_a_key_is_none"},
    "engine.planfile": {"write": "config/test_full_driver.py::test_half_a_plan_is_none"},
    "engine.runner": {"serve": LOCKS},
    "engine.door": {
        "enter": LOCKS, "ready": "- a pipe",
        "_spawn": "engine/test_alone.py::test_a_runner_that_cannot_be_started_is_named"},
    "session.riding": {"copy_of": LOCKS},
    "cli.failure": {
        "report": "config/test_full_driver.py::test_a_report_that_cannot_be_written_is_not_named"},
    "cli.streams": {"mend": "- /dev/null, in the place of a stream that is closed"},
    "ssh.console": {"_through": "- host keys for ssh, for as long as it runs; it does not begin"},
    "ssh.wire": {"write_all": "- a pipe"},
}


def written() -> dict[str, set[str]]:
    """{module: the functions that write}"""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef) and any(map(_writes, ast.walk(function))):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    found.setdefault(module, set()).add(function.name)
    return found


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if isinstance(function, ast.Name):
        return function.id == "open" and any(
            isinstance(word, ast.Constant) and isinstance(word.value, str) and set(word.value)
            & set("wax+") for word in (*node.args[1:2], *(
                k.value for k in node.keywords if k.arg == "mode")))
    if not isinstance(function, ast.Attribute):
        return False
    base = ast.unparse(function.value)
    if base == "os" and function.attr == "open":
        return "O_CREAT" in ast.unparse(node) or not isinstance(node.args[1], ast.Attribute)
    return (base == "os" and function.attr in OS_CALLS) or function.attr in OTHERS


def test_no_place_writes_that_nobody_lets_fail():
    found = written()
    rows = {module: set(row) for module, row in SITES.items()}
    new = {module: names - rows.get(module, set()) for module, names in found.items()}
    assert not {module: names for module, names in new.items() if names}
    gone = {module: names - found.get(module, set()) for module, names in rows.items()}
    assert not {module: names for module, names in gone.items() if names}


def test_every_row_has_a_test_that_is_there_or_a_reason():
    for row in SITES.values():
        for told in row.values():
            path, _, name = told.partition("::")
            if told.startswith("- "):
                continue
            assert f"def {name.removesuffix('*')}" in (TESTS / path).read_text(), told


def test_every_call_of_the_store_s_disk_can_fail_in_the_simulation():
    """The simulated disk replaces each of them; none reaches the real one."""
    assert set(vars(SimulatedDisk)) >= DISK
