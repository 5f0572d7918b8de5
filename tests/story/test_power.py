"""Out-of-band programs that really switch lab hosts off and on: power, powercycle, epo.

The program on the master leaves a request in a folder; what stands for the management controllers
is a thread out here, which kills and starts the hosts.
"""

from __future__ import annotations

import threading
import time

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.story.conftest import Cluster

PROGRAM = """#!/bin/sh
# ACTION NODE: ask the controller, and wait until it has done it
[ "$1" != health ] || { echo '[["PSU0", "OK"], ["FAN1", "WARNING"]]'; exit 0; }
request=/root/controller/$1.$2
: >"$request"
while [ -e "$request" ]; do sleep 0.1; done
[ "$1" != power-status ] || cat /root/controller/status.$2
"""
SHARED = ("-t", "sharedfile", "-s", "1g", "-H", "fake")


class Controllers:
    """The management controllers of all hosts but the first, where the program runs."""

    def __init__(self, cluster: Cluster) -> None:
        self.lab = cluster.lab
        self.on = {host.number: True for host in self.lab.hosts}
        self.done: list[tuple[str, int]] = []
        self.ended = threading.Event()
        self.folder: Path = self.lab.path(1, "/root/controller")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while not self.ended.wait(0.05):
            for request in self.folder.glob("power*.*"):
                action, _, name = request.name.partition(".")
                number = int(name.partition(".")[0].removeprefix("node"))
                self._act(action, number)
                said = '{"powered": %s}\n' % ("true" if self.on[number] else "false")
                (self.folder / f"status.{name}").write_text(said)
                request.unlink()

    def _act(self, action: str, number: int) -> None:
        if action != "power-status":
            self.done.append((action, number))
        if action in ("power-off", "power-cycle") and self.on[number]:
            self.lab.kill(number)
        if action in ("power-on", "power-cycle"):
            self.lab.start(number)
        self.on[number] = action != "power-off" and (self.on[number] or action == "power-on")


@pytest.fixture(scope="module")
def powered(new_cluster: Callable[[int], Cluster]) -> Iterator[tuple[Cluster, Controllers]]:
    cluster = new_cluster(3)
    cluster.lab.on(1, "sh", "-c", "mkdir -p /root/controller; cat >/root/oob; chmod 755 /root/oob",
                   stdin=PROGRAM)
    cluster.gnt("cluster", "modify", "--node-parameters", "oob_program=/root/oob")
    for number, name in ((2, "web"), (3, "db")):
        cluster.gnt("instance", "add", *SHARED, "-n", f"node{number}", name)
    controllers = Controllers(cluster)
    yield cluster, controllers
    controllers.ended.set()
    controllers.thread.join()


def until_up(cluster: Cluster, node: str) -> None:
    latest = time.monotonic() + 60
    while cluster.gnt("cluster", "command", "-n", node, "true", status=None).returncode:
        assert time.monotonic() < latest
        time.sleep(0.2)


def test_a_host_is_asked_and_cycled_by_its_controller(
    powered: tuple[Cluster, Controllers],
) -> None:
    cluster, controllers = powered
    assert cluster.gnt("node", "power", "status", "node3").stdout.split()[-2:] == ["on", "on"]
    said = cluster.gnt("node", "health", "node3", status=None)
    assert "PSU0" in said.stdout and "WARNING" in said.stdout
    cluster.gnt("node", "power", "cycle", "-f", "--ignore-status", "node3", status=None)
    assert controllers.done[-1] == ("power-cycle", 3)
    until_up(cluster, "node3")


def test_everything_is_switched_off_and_comes_back(powered: tuple[Cluster, Controllers]) -> None:
    """The master stays, to be switched off by hand as the last one."""
    cluster, controllers = powered
    cluster.gnt("instance", "startup", "--all", "--force-multiple", status=None)
    off = cluster.gnt("cluster", "epo", "--all", "-f", "--shutdown-timeout", "1", status=1)
    assert "node1 is the master: switch it off by hand" in off.stderr
    assert controllers.on == {1: True, 2: False, 3: False}
    assert cluster.listed("node", "role") == [["M"], ["O"], ["O"]]
    cluster.gnt("cluster", "epo", "--all", "--on", "-f", "--power-delay", "0")
    assert controllers.on == {1: True, 2: True, 3: True}
    assert cluster.listed("node", "role") == [["M"], ["C"], ["C"]]
    assert cluster.status("web") == ("node2", "running")
    assert cluster.status("db") == ("node3", "running")
    cluster.gnt("cluster", "verify", "--no-nplus1-mem")


def test_a_host_that_its_controller_says_is_off_is_proof(
    powered: tuple[Cluster, Controllers],
) -> None:
    cluster, controllers = powered
    cluster.gnt("node", "power", "off", "-f", "--ignore-status", "node3")
    assert not controllers.on[3]
    cluster.gnt("instance", "failover", "-f", "-n", "node2", "db")
    assert cluster.status("db") == ("node2", "running")
