#!/usr/bin/env python3
"""One fact script on many nodes, against other tools, in one run; prints ratios.

    tests/bench/fanout.py [--hosts 1,20,200] [--runs 3] [--others PYTHON] [--json FILE]

Needs root: the hosts are nodes of a lab (``gnt-lab up``), each with an sshd, a file system and a
network of its own; the clients run on the admin's host.  ``--others`` names a Python that has
ansible-core, pyinfra and parallel-ssh (any of them).  Every figure is of a whole process: start,
import, connect, run, exit.  Nodes and clients share the machine's cores, so look at ratios and
client CPU, not at seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import figures
from fanout_clients import FACTS, address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "tests/bench/fanout_clients.py"
LIMITS = {  # name: (N, most)
    "ssh": {1: 1.2, 20: 1.2, 200: 1.2},
    "ansible": {1: 0.2, 20: 0.2, 200: 0.2},
    "pyinfra": {1: 0.65, 20: 0.65},
    "pssh": {1: 0.75, 20: 0.75, 200: 0.75},
}
NAMES = {"ssh": "xargs -P50 ssh", "fabric": "stock Fabric", "ansible": "Ansible raw",
         "pyinfra": "pyinfra", "pssh": "parallel-ssh"}
CPU_PER_HOST, WARM_CPU_PER_HOST, WARM_RATIO, MEMORY = 4.0, 0.15, 0.1, 300.0  # ms, ms, -, MB
LAB = "bench-fanout"


# --- the commands of other tools -----------------------------------------------------------------


def command(tool: str, home: Path, hosts: int, others: str) -> tuple[list[str], str]:
    """(words, standard input)"""
    if tool == "ssh":
        options = ("-F none -o BatchMode=yes -o IdentitiesOnly=yes"
                   " -o KexAlgorithms=curve25519-sha256 -o StrictHostKeyChecking=yes"
                   f" -o UserKnownHostsFile={home}/known_hosts -i {home}/login -l root")
        words = f"xargs -P50 -I@ ssh {options} @ '{FACTS}' >/dev/null"
        return ["sh", "-c", words], "".join(address(n) + "\n" for n in range(1, hosts + 1))
    scripts = Path(others).parent
    if tool == "ansible":
        return [str(scripts / "ansible"), "all", "-i", inventory(home, hosts), "-f", "50",
                "-m", "raw", "-a", FACTS], ""
    if tool == "pyinfra":
        return [str(scripts / "pyinfra"), "-y", "--parallel", "50", module(home, hosts), "exec",
                "--", FACTS], ""
    python = others if tool == "pssh" else sys.executable
    return [python, str(CLIENTS), tool, str(home), str(hosts)], ""


def inventory(home: Path, hosts: int) -> str:
    """The hosts for Ansible."""
    ini = home / f"hosts-{hosts}.ini"
    ini.write_text("[all]\n" + "".join(
        f"{address(n)} ansible_user=root "
        f"ansible_ssh_private_key_file={home}/login "
        f"ansible_ssh_common_args='-o UserKnownHostsFile={home}/known_hosts'\n"
        for n in range(1, hosts + 1)))
    return str(ini)


def module(home: Path, hosts: int) -> str:
    """The hosts for pyinfra."""
    path = home / f"hosts_{hosts}.py"
    data = {"ssh_user": "root", "ssh_key": str(home / "login"),
            "ssh_known_hosts_file": str(home / "known_hosts")}
    path.write_text(f"all = {[(address(n), data) for n in range(1, hosts + 1)]!r}\n")
    return str(path)


def available(others: str) -> list[str]:
    tools = ["gnt", "ssh", "fabric"]
    if others:
        scripts = Path(others).parent
        tools += [tool for tool in ("ansible", "pyinfra") if (scripts / tool).exists()]
        if subprocess.run([others, "-c", "import pssh"], capture_output=True).returncode == 0:
            tools.append("pssh")
    return tools


# --- measuring -----------------------------------------------------------------------------------


def measure(words: list[str], stdin: str, home: Path) -> dict[str, float]:
    """Wall, CPU of the process and all its children (ms), and peak memory of one (MB)."""
    environment = {**os.environ, "HOME": str(home), "ANSIBLE_HOST_KEY_CHECKING": "True",
                   "PYTHONPATH": str(ROOT), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp")}
    environment["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=no"
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as said:
        file.write(stdin.encode())
        file.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(words, stdin=file, stdout=said, stderr=subprocess.STDOUT,
                                   env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode("utf-8", "replace")
    if process.returncode:
        sys.exit(f"{' '.join(words[:3])} failed ({process.returncode}): {output[-2000:]}")
    found = {"wall": wall * 1e3, "cpu": (usage.ru_utime + usage.ru_stime) * 1e3,
             "memory": usage.ru_maxrss / 1024}
    if output.startswith("{"):
        found["step"] = json.loads(output)
    return found


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


class Report:
    """Prints rows as they come, and keeps the figures."""

    def __init__(self) -> None:
        self.figures: list[dict[str, Any]] = []

    def row(self, hosts: int, tool: str, runs: list[dict[str, float]], gnt: float) -> None:
        wall, cpu = median(runs, "wall"), median(runs, "cpu")
        memory = median(runs, "memory")
        ratio = gnt / wall
        print(f"{hosts:>5}  {tool:<8} {wall:>8.0f} {cpu:>9.0f} {cpu / hosts:>9.2f} {memory:>8.0f}"
              f" {ratio:>9.2f}", flush=True)
        if tool != "gnt":
            self.add(f"wall, N={hosts}, against {NAMES[tool]}", ratio, "×",
                     most=LIMITS.get(tool, {}).get(hosts), note=f"{gnt:.0f} / {wall:.0f} ms")

    def add(self, what: str, got: float, unit: str, **more: Any) -> None:
        self.figures.append(figures.figure(what, got, unit, **more))


def bench(home: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    report, tools = Report(), available(arguments.others)
    print(f"{os.cpu_count()} cores, shared with the nodes; ms, MB; ratio: wall of gnt to its wall")
    print("    N  tool         wall       CPU  CPU/host   memory     ratio")
    sizes = [int(n) for n in arguments.hosts.split(",")]
    start = {}
    for hosts in sizes:
        runs: dict[str, list[dict[str, float]]] = {tool: [] for tool in tools}
        for _ in range(arguments.runs):
            for tool in tools:
                words, stdin = command(tool, home, hosts, arguments.others)
                runs[tool].append(measure(words, stdin, home))
        for tool in tools:
            report.row(hosts, tool, runs[tool], median(runs["gnt"], "wall"))
        start[hosts] = median(runs["gnt"], "cpu")
        if hosts == max(sizes):
            report.add(f"memory, N={hosts}", median(runs["gnt"], "memory"), "MB", most=MEMORY)
    if len(sizes) > 1:
        few, many = min(sizes), max(sizes)
        per_host = (start[many] - start[few]) / (many - few)
        report.add("client CPU per further host, cold", per_host, "ms", most=CPU_PER_HOST)
    for hosts in sizes:
        steps(home, hosts, arguments, report)
    return report.figures


def steps(home: Path, hosts: int, arguments: argparse.Namespace, report: Report) -> None:
    """One more step on open connections, against stock Fabric."""
    tools = ("gnt-warm", "fabric-warm")
    runs: dict[str, list[dict[str, float]]] = {tool: [] for tool in tools}
    for _ in range(arguments.runs):
        for tool in tools:
            runs[tool].append(measure(*command(tool, home, hosts, ""), home)["step"])
    found = {}
    for tool in tools:
        found[tool] = {key: median(runs[tool], key) for key in ("wall", "cpu")}
    ratio = found["gnt-warm"]["wall"] / found["fabric-warm"]["wall"]
    cpu = found["gnt-warm"]["cpu"] / hosts
    walls = f"{found['gnt-warm']['wall']:.1f} / {found['fabric-warm']['wall']:.0f} ms"
    report.add(f"one more step, N={hosts}, against stock Fabric", ratio, "×", most=WARM_RATIO,
               note=walls)
    report.add(f"one more step, N={hosts}, client CPU per host", cpu, "ms",
               most=WARM_CPU_PER_HOST if hosts > 1 else None)


def inside(arguments: argparse.Namespace) -> int:
    """On the admin's host of the lab: what a tool needs is in a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="gnt-bench-ssh-"))
    ours = Path.home() / ".ssh"
    shutil.copy(ours / "id_ed25519", home / "login")
    shutil.copy(ours / "known_hosts", home / "known_hosts")
    try:
        return figures.run(lambda: bench(home, arguments))
    finally:
        shutil.rmtree(home)


def outside(arguments: argparse.Namespace) -> int:
    """Start the lab, measure in it, and take it down."""
    from gnt.lab import admin, power
    from gnt.lab.layout import Layout

    layout = Layout(name=LAB)
    power.down(layout)
    with figures.before_others():
        try:
            began = time.monotonic()
            power.up(layout, max(map(int, arguments.hosts.split(","))), lambda message: None)
            print(f"the lab is up after {time.monotonic() - began:.0f} s", flush=True)
            words = [sys.executable, *sys.argv, "--inside"]
            return subprocess.run(admin.entered(layout, words, str(ROOT)), check=False).returncode
        finally:
            power.down(layout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", default="1,20,200")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--others", default="", help="a Python with ansible-core, pyinfra, pssh")
    parser.add_argument("--json", default="")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    return inside(arguments) if arguments.inside else outside(arguments)


if __name__ == "__main__":
    sys.exit(main())
