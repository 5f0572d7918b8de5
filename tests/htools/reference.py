"""Debian's htools and ours, run side by side on the same file."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys

from gnt.cli.main import run
from gnt.htools import text

HAIL = "/usr/lib/ganeti/iallocators/hail"


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def theirs(program: str, *words: str) -> Outcome:
    path = HAIL if program == "hail" else shutil.which(program)
    assert path, f"{program} is not there: apt install ganeti-htools"
    done = subprocess.run([path, *words], capture_output=True, text=True, timeout=120, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def ours(program: str, *words: str) -> Outcome:
    """In this process, with its standard streams exchanged."""
    out, err, kept = io.StringIO(), io.StringIO(), (sys.stdout, sys.stderr)
    forget()
    sys.stdout, sys.stderr = out, err
    try:
        code = run([program, *words])
    finally:
        sys.stdout, sys.stderr = kept
        forget()
    return Outcome(code, out.getvalue(), err.getvalue())


def forget() -> None:
    """Programs bind stdout when imported."""
    package = sys.modules.get("gnt.commands.htools")
    for name in [m for m in sys.modules if m.startswith("gnt.commands.htools.")]:
        del sys.modules[name]
        vars(package).pop(name.rpartition(".")[2], None)


def saved(world, path) -> str:
    path.write_text(text.write(world), encoding="utf-8")
    return str(path)
