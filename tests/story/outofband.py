"""Nodes of a lab that are switched by an out-of-band program, for what acts on whole clusters."""

from __future__ import annotations

import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.story.conftest import Cluster

FAKE = ("-t", "sharedfile", "-s", "1g", "-H", "fake")
SLOW = 400.0  # seconds, for programs that wait for nodes to boot
OOB = """#!/bin/sh
case $1 in
    power-status) if [ -e "/root/off-$2" ]; then echo '{"powered": false}';
        else echo '{"powered": true}'; fi ;;
    power-on) rm -f "/root/off-$2" ;;
    power-off) : >"/root/off-$2" ;;
    power-cycle) : >"/root/cycle-$2" ;;
esac
"""


def obedient(new_cluster: Callable[[int], Cluster]) -> Cluster:
    """Three nodes; the program, on the first, is for the others."""
    made = new_cluster(3)
    made.lab.on(1, "sh", "-c", "cat >/root/oob; chmod 755 /root/oob", stdin=OOB)
    for node in ("node2", "node3"):
        made.gnt("node", "modify", "--node-parameters", "oob_program=/root/oob", node)
    return made


@contextmanager
def powered(cluster: Cluster, *, stays: tuple[int, ...] = ()) -> Iterator[None]:
    """Nodes 2 and 3 obey the out-of-band program on node1; some do not come up when reset."""
    ended = threading.Event()

    def obey() -> None:
        on = {2: True, 3: True}
        while not ended.wait(0.2):
            for node in on:
                wanted = not cluster.lab.path(1, f"/root/off-node{node}").exists()
                cycle = cluster.lab.path(1, f"/root/cycle-node{node}")
                if cycle.exists():
                    cycle.unlink()
                    cluster.lab.kill(node)
                    if node not in stays:
                        cluster.lab.start(node)
                elif wanted != on[node]:
                    (cluster.lab.start if wanted else cluster.lab.kill)(node)
                    on[node] = wanted

    thread = threading.Thread(target=obey)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def homes(cluster: Cluster) -> dict[str, str]:
    return {name: home for name, home in cluster.listed("instance", "name,pnode")}


def states(cluster: Cluster) -> set[str]:
    return {status for (status,) in cluster.listed("instance", "status")}


def boots(cluster: Cluster) -> dict[str, str]:
    return {name: boot for name, boot in cluster.listed("node", "name,bootid")}
