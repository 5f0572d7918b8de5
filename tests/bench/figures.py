"""What every bench prints: figures with their gates, as a table or as JSON for ``__main__``."""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # whoever installs gnt has it compiled

FIRST = os.geteuid() == 0 and "GNT_BENCH_POLITE" not in os.environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


def figure(
    what: str, got: float, unit: str = "", *, most: float | None = None,
    least: float | None = None, note: str = "",
) -> dict[str, Any]:
    """One row.  ``most``, ``least``: its gate, if it has one; ``note``: what it is made of."""
    return {"what": what, "got": got, "unit": unit, "most": most, "least": least, "note": note}


def missed(row: dict[str, Any]) -> bool:
    over = row["most"] is not None and row["got"] > row["most"]
    under = row["least"] is not None and row["got"] < row["least"]
    return bool(over or under)


def shown(value: float) -> str:
    """Three digits are what a shared machine is good for."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """(what, figure, gate, verdict)"""
    gate = "" if row["most"] is None else f"≤ {row['most']:g}"
    gate = gate if row["least"] is None else f"≥ {row['least']:g}"
    verdict = "" if not gate else "missed" if missed(row) else "holds"
    note = f" ({row['note']})" if row["note"] else ""
    return row["what"] + note, f"{shown(row['got'])} {row['unit']}".strip(), gate, verdict


def table(rows: Iterable[dict[str, Any]]) -> str:
    """For a terminal."""
    lines = [cells(row) for row in rows]
    widths = [max(len(line[n]) for line in lines) for n in range(4)]
    return "\n".join(
        f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip()
        for a, b, c, d in lines)


def _group_nice(nice: int) -> None:
    """Kernels that schedule sessions against each other need to be told for the session, too."""
    group = pathlib.Path("/proc/self/autogroup")
    if FIRST and group.exists():
        group.write_text(str(nice))


@contextlib.contextmanager
def before_others() -> Iterator[None]:
    """In a control group that other work on this machine does not slow down, with everything that
    is started meanwhile: other tools and the hosts they talk to as well."""
    groups = (("/sys/fs/cgroup/cpu", "cpu.shares", "262144"),
              ("/sys/fs/cgroup", "cpu.weight", "10000"))
    parent, name, weight = next(
        ((pathlib.Path(p), n, w) for p, n, w in groups if os.path.exists(f"{p}/cgroup.procs")),
        (None, "", ""))
    if parent is None or not FIRST:
        yield
        return
    group = parent / "gnt-bench"
    with contextlib.suppress(OSError):
        group.mkdir(exist_ok=True)
        (group / name).write_text(weight)
        (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (parent / "cgroup.procs").write_text(str(os.getpid()))
            group.rmdir()


def run(bench: Callable[[], list[dict[str, Any]]]) -> int:
    """The end of every bench: ``--json FILE`` for the figures besides the table.

    It runs before other work on this machine, with everything it starts, other tools as well;
    with ``GNT_BENCH_POLITE`` in the environment beside it, and the figures say little.
    """
    for folder in (ROOT / "gnt", *(ROOT / "gnt").glob("*/")):  # it follows no symbolic links
        compileall.compile_dir(folder.resolve(), quiet=2)
    if FIRST:
        os.nice(-20)
        _group_nice(-20)
    try:
        with before_others():
            rows = bench()
    finally:
        _group_nice(0)
    print(table(rows))
    if "--json" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(rows))
    return 0
