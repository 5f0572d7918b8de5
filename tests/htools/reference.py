"""Debian's htools and ours, run side by side on the same file."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from types import ModuleType

from gnt.cli.main import run
from gnt.htools import text

HAIL = "/usr/lib/ganeti/iallocators/hail"


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def theirs(program: str, *words: str, seconds: float = 120) -> Outcome:
    path = HAIL if program == "hail" else shutil.which(program)
    assert path, f"{program} is not there: apt install ganeti-htools"
    done = subprocess.run([path, *words], capture_output=True, text=True, timeout=seconds,
                          check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def ours(program: str, *words: str) -> Outcome:
    """In this process, with its standard streams exchanged."""
    out, err, kept = io.StringIO(), io.StringIO(), (sys.stdout, sys.stderr)
    loaded = exchanged({})
    sys.stdout, sys.stderr = out, err
    try:
        code = run([program, *words])
    finally:
        sys.stdout, sys.stderr = kept
        exchanged(loaded)
    return Outcome(code, out.getvalue(), err.getvalue())


def exchanged(modules: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """Load these modules of programs instead of those that are; programs bind stdout when
    imported."""
    package = sys.modules.get("gnt.commands.htools")
    loaded = {m: sys.modules.pop(m) for m in list(sys.modules)
              if m.startswith("gnt.commands.htools.")}
    for name in loaded:
        vars(package).pop(name.rpartition(".")[2], None)
    sys.modules.update(modules)
    for name, module in modules.items():
        setattr(package, name.rpartition(".")[2], module)
    return loaded


def saved(world, path) -> str:
    path.write_text(text.write(world), encoding="utf-8")
    return str(path)
