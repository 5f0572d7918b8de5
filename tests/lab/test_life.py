"""Labs come up from any state, and go without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from gnt.lab import power, processes
from tests.labs import Lab, make

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _quiet(message: str) -> None:
    """Nobody listens."""


def _traces(lab: Lab) -> list[str]:
    """What is left of a lab on the machine."""
    left = [str(p) for p in (lab.layout.run, lab.layout.disk) if p.exists()]
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                if lab.layout.name in file.read() and int(pid) != os.getpid():
                    left.append(f"process {pid}")
        except (FileNotFoundError, ProcessLookupError):
            continue
    with open("/proc/mounts") as file:
        return left + [line for line in file if lab.layout.name in line]


def _links() -> str:
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


def test_down_leaves_nothing() -> None:
    links = _links()
    lab = make("gone", 3)
    lab.ssh(1, "setsid nohup sleep 600 >/dev/null 2>&1 </dev/null &")
    left_running = lab.start_command("sleep", "600")
    lab.hang(2)
    lab.kill(3)
    spaces = {processes.namespace(p, "net") for p in power.running(lab.layout).values()}
    assert len(spaces) == 4
    lab.down()
    assert left_running.wait(5) == -signal.SIGKILL
    left_running.communicate()
    assert _traces(lab) == []
    assert processes.members("net", spaces) == []
    assert _links() == links


def test_up_again_starts_only_what_is_missing(new_lab: Callable[[int], Lab]) -> None:
    lab = new_lab(2)
    first = power.running(lab.layout)
    assert power.up(lab.layout, 2, _quiet) == ()
    lab.kill(1)
    started = power.up(lab.layout, 3, _quiet)
    second = power.running(lab.layout)
    assert [host.short for host in started] == ["node1", "node3"]
    assert second["node2"] == first["node2"]
    assert lab.ssh(3, "hostname").stdout == "node3.lab\n"


def test_a_lab_whose_start_was_killed_comes_up_afterwards(new_lab: Callable[[int], Lab]) -> None:
    lab = new_lab(1)
    for delay in (0.05, 0.1, 0.15, 0.2, 0.3):
        lab.down()
        driver = subprocess.Popen(
            [sys.executable, "-m", "gnt.lab.main", "up", "3", "--name", lab.layout.name],
            stderr=subprocess.DEVNULL)
        time.sleep(delay)
        driver.kill()
        driver.wait()
        power.up(lab.layout, 3, _quiet)
        assert lab.ssh(3, "hostname").stdout == "node3.lab\n"
        assert lab.ssh(1, "hostname").stdout == "node1.lab\n"


def test_two_labs_do_not_see_each_other(new_lab: Callable[[int], Lab]) -> None:
    one, two = new_lab(1), new_lab(1)
    one.ssh(1, "echo one > /etc/which")
    two.ssh(1, "echo two > /etc/which")
    assert one.ssh(1, "cat /etc/which").stdout == "one\n"


def test_forty_nodes_start_side_by_side(new_lab: Callable[[int], Lab]) -> None:
    lab = new_lab(40)
    answers = lab.run("sh", "-c", "for n in $(seq 1 40); do echo $n; done |"
                      " xargs -P8 -I{} ssh -o BatchMode=yes root@node{} hostname").stdout
    assert sorted(answers.split()) == sorted(lab.names)
