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
PACKAGES = ("config", "engine", "session", "ssh", "cli")
OS_CALLS = {"write", "rename", "replace", "truncate", "ftruncate", "fsync", "fdatasync", "link"}
OTHERS = {"write_text", "write_bytes", "mkstemp", "NamedTemporaryFile"}

#: All of the store's: each is a method that ``test_faults.py`` and the simulation let fail.
DISK = {"open", "write", "truncate", "fsync", "rename"}

SITES = {
    # locks and leases hold no state: a turn without one is a turn
    "config.disk": DISK | {"lock", "lock_term", "begin_lease"},
    # caches, made anew when anything about them is unexpected (tests/config/test_sqlite_state.py)
    "config.columns": {"save_columns"},
    "config.sqlite_state": {"reset"},
    # what a person asked for, refused with the reason; nothing depends on it
    "config.export": {"export"},
    "config.consent": {"_write"},
    "config.signature": {"make_key"},
    "engine.planfile": {"write"},
    "engine.runner": {"serve"},  # its log
    "engine.door": {"enter", "_spawn", "ready"},  # its lock, its log, and a pipe
    "cli.failure": {"report"},  # the report of a crash
    "ssh.console": {"_through"},  # a private host key file for ssh, for as long as it runs
    "ssh.wire": {"write_all"},  # a pipe
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
    new = {module: names - SITES.get(module, set()) for module, names in found.items()}
    assert not {module: names for module, names in new.items() if names}
    gone = {module: names - found.get(module, set()) for module, names in SITES.items()}
    assert not {module: names for module, names in gone.items() if names}


def test_every_call_of_the_store_s_disk_can_fail_in_the_simulation():
    """The simulated disk replaces each of them; none reaches the real one."""
    assert set(vars(SimulatedDisk)) >= DISK
