#!/usr/bin/env python3
"""What it costs to start: CPU time of whole processes against ``python3 -I -S -c pass``.

    tests/bench/startup.py [--runs 15] [--json FILE]

Measured round-robin in one run: ``gnt-instance --version``, and ``gnt-instance list -o
name,pnode,admin_state`` of 4,000 instances from cached columns, as installed from a wheel and as
zipapp, one-folder and one-file binaries where ``dist/`` has them (``make zipapp onedir onefile``).
"""

from __future__ import annotations

import argparse
import compileall
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROOT = figures.ROOT
COUNT = 4000
PYTHON = os.path.realpath(sys.executable)
LIST = ("instance", "list", "-o", "name,pnode,admin_state", "--cluster", "bench")
LIMITS = {  # form: (--version, list), in bare interpreter starts
    "wheel": (2.0, 3.5), "zipapp": (2.0, 3.5), "onedir": (2.0, 5.0), "onefile": (None, 21.0),
}
SCRIPT = """#!{python}
import sys
from gnt.cli.main import main
if __name__ == '__main__':
    sys.exit(main())
"""


def install(place: pathlib.Path) -> pathlib.Path:
    """A virtual environment with the suite as its wheel would put it there; the program's path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    shutil.copytree(ROOT / "gnt", site / "gnt",
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyx", "*.c"))
    compileall.compile_dir(str(site / "gnt"), quiet=2)
    program = place / "bin" / "gnt"
    program.write_text(SCRIPT.format(python=place / "bin" / "python3"))
    program.chmod(0o755)
    return program


def fill_cache(home: pathlib.Path, count: int = COUNT) -> None:
    """Columns of ``count`` instances as an earlier list would have left them."""
    os.environ["XDG_CACHE_HOME"] = str(home)
    from gnt.config.columns import save_columns
    from gnt.model.config import Config, MemoryState
    from gnt.query.columns import columns_of

    nodes = {f"n{n}": {"uuid": f"n{n}", "name": f"node{n}.example.com", "group": "g",
                       "primary_ip": "192.0.2.1", "secondary_ip": "192.0.2.1"}
             for n in range(count // 20)}
    instances = {f"i{n}": {
        "uuid": f"{n:08}-1111-4000-8000-000000000002", "name": f"instance{n}.example.com",
        "primary_node": f"n{n % len(nodes)}", "admin_state": "up" if n % 10 else "down",
        "tags": ["a", "b"], "beparams": {"maxmem": 2048}, "os": "debian+bookworm",
        "nics": [{"uuid": f"x{n}", "mac": f"aa:00:00:00:{n >> 8:02x}:{n & 255:02x}"}],
    } for n in range(count)}
    cfg = Config(MemoryState({
        "cluster": {"cluster": {"uuid": "c", "cluster_name": "bench", "master_node": "n0"}},
        "groups": {"g": {"uuid": "g", "name": "default"}}, "nodes": nodes,
        "instances": instances, "disks": {}}, term=1, serial=1, head="ab" * 32))
    folder = home / "gnt" / "bench"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "head").write_text(f"1 1 {cfg.head}\n")
    save_columns(str(folder), "instance", cfg.head, columns_of("instance", cfg))


def cost(words: list[str], env: dict[str, str]) -> float:
    """CPU seconds of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def programs(place: pathlib.Path) -> dict[str, list[str]]:
    """Form → the words that start ``gnt`` in it.

    The archive is started as its first line asks for, but not through a wrapper that ``python3``
    may be on this machine.
    """
    found = {"wheel": [str(install(place / "venv"))]}
    dist = ROOT / "dist"
    forms = {"zipapp": [PYTHON, "-IS", str(dist / "gnt.pyz")], "onedir": [str(dist / "gnt/gnt")],
             "onefile": [str(dist / "gnt-onefile")]}
    return found | {form: words for form, words in forms.items() if os.path.exists(words[-1])}


def measure(runs: int) -> dict[str, tuple[float, float, float]]:
    """Form → (floor, version, list) in seconds: medians of one round-robin run."""
    with tempfile.TemporaryDirectory(prefix="gnt-cli-bench-") as temporary:
        place = pathlib.Path(temporary)
        fill_cache(place / "cache")
        env = {"PATH": os.environ["PATH"], "HOME": temporary, "LANG": "C.UTF-8",
               "XDG_CACHE_HOME": str(place / "cache")}
        found: dict[str, tuple[float, float, float]] = {}
        for form, words in programs(place).items():
            rows = [[PYTHON, "-I", "-S", "-c", "pass"], [*words, "--version"], [*words, *LIST]]
            samples: list[list[float]] = [[], [], []]
            for _ in range(runs + 1):  # the first warms up
                for row, sample in zip(rows, samples, strict=True):
                    sample.append(cost(row, env))
            floor, first, second = (statistics.median(sample[1:]) for sample in samples)
            found[form] = floor, first, second
        return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("--json", metavar="FILE")
    chosen = options.parse_args()
    return figures.run(lambda: [
        row for form, times in measure(chosen.runs).items() for row in rows(form, *times)])


def rows(form: str, floor: float, version: float, listing: float) -> list[dict[str, Any]]:
    """The figures of one form of delivery."""
    names = ("gnt-instance --version", f"list of {COUNT} instances from the cache")
    return [figures.figure(f"{name}, {form}, against a bare Python", seconds / floor, "×",
                           most=most, note=f"{1e3 * seconds:.1f} / {1e3 * floor:.1f} ms")
            for name, seconds, most in zip(names, (version, listing), LIMITS[form], strict=True)]


if __name__ == "__main__":
    sys.exit(main())
