"""All benches: ``python -m tests.bench [--others PYTHON] [NAME ...]`` (root).

Every program of this folder measures in one run of its own, interleaved with what it is compared
with.  The figures are printed with their gates and written to ``man/figures.md``, and into
README.md between its markers.  ``--others`` names a Python that has ansible-core, pyinfra and
parallel-ssh.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

from tests.bench import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BENCHES = {
    "fanout": "One fact script on many nodes, and one more step",
    "startup": "Start of the client, CPU time",
    "commit": "Commit of one change, whole process",
    "jobs": "Jobs on three lab nodes",
    "htools": "htools, CPU time and quality",
    "safety": "Looking at everything, and another master",
}
ROOT = figures.ROOT
FILE, BEGIN, END = ROOT / "man" / "figures.md", "<!-- bench -->", "<!-- bench end -->"


def machine() -> str:
    """What the figures were measured on."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    load = os.getloadavg()[1]
    return (f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores shared by "
            f"clients and servers, Linux {platform.release()}, Python "
            f"{platform.python_version()}; load average at the end {load:.1f}")


def rows_of(name: str, others: str) -> list[dict[str, Any]]:
    """Run one bench; what it prints is passed on."""
    print(f"== {name}", flush=True)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        words = [sys.executable, str(ROOT / "tests/bench" / f"{name}.py"), "--json", file.name]
        words += ["--others", others] if others and name == "fanout" else []
        words += ["--descent", "900"] if name == "htools" else []
        subprocess.run(words, check=True)
        return list(json.loads(file.read()))


def markdown(found: dict[str, list[dict[str, Any]]]) -> str:
    lines = ["Measured by `make bench`, each part in one run; medians, ratios to what stands "
             "beside it.", "", "| | figure | gate | |", "|---|---:|---|---|"]
    for name, rows in found.items():
        lines.append(f"| **{BENCHES[name]}** | | | |")
        lines += ["| " + " | ".join(figures.cells(row)) + " |" for row in rows]
    return "\n".join([*lines, "", machine() + "."]) + "\n"


def included(readme: str, text: str) -> str:
    """The README with this table between its markers."""
    before, mark, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("names", nargs="*", help=", ".join(BENCHES))
    options.add_argument("--others", default="", metavar="PYTHON")
    chosen = options.parse_args()
    names = chosen.names or list(BENCHES)
    found = {name: rows_of(name, chosen.others) for name in names}
    if not chosen.names:
        text = markdown(found)
        FILE.write_text(text)
        readme = ROOT / "README.md"
        readme.write_text(included(readme.read_text(), text))
    over = [row for rows in found.values() for row in rows if figures.missed(row)]
    print(f"== {len(over)} gates missed" if over else "== all gates hold")
    for row in over:
        print("  ", *figures.cells(row)[:3])
    return 0


if __name__ == "__main__":
    sys.exit(main())
