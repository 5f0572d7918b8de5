"""What a command line imports: start-up time is kept by not importing."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAVY = {"fabric", "paramiko", "invoke", "cryptography", "tabulate", "asyncio", "subprocess",
         "typing", "dataclasses"}

PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
module, function = sys.argv.pop(1).split(":")
sys.argv[0] = sys.argv.pop(1)
__import__(module)
getattr(sys.modules[module], function)()
"""


def imported_by(*words: str, env: dict[str, str] | None = None) -> set[str]:
    """Names of the modules that a command line, as typed, brings in (in this checkout)."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        entry = tomllib.load(file)["project"]["scripts"][words[0]]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", "-c", PROGRAM, str(ROOT), entry, *words],
        capture_output=True, text=True, check=False, env=env)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    assert entry.partition(":")[0] in names, done.stderr
    return names
