"""Words that are not true, on real hosts: a wrong name typed in a hurry starts nothing twice."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.conftest import Cluster

SHARED = ("-t", "sharedfile", "-s", "1g", "-H", "fake")


def runs(cluster: Cluster) -> list[int]:
    """The nodes that run anything."""
    return [n for n in (1, 2, 3)
            if cluster.lab.on(n, "sh", "-c", "ls /run/gnt/fake 2>/dev/null || :").stdout]


def test_a_word_does_not_stand_against_a_node_that_answers(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.gnt("instance", "add", *SHARED, "-n", "node2", "web")
    failover = ("instance", "failover", "-f", "-n", "node3")
    refused = cluster.gnt(*failover, "--i-have-powered-off", "node2", "web", status=1)
    assert "node2 answers and runs web: it is not without power" in refused.stderr
    refused = cluster.gnt("node", "modify", "--offline=yes", "node2", status=1)
    assert "node2 answers and runs web" in refused.stderr
    before = cluster.gnt("cluster", "config", "log").stdout.splitlines()[1].split()[0]
    cluster.gnt("instance", "migrate", "-f", "-n", "node3", "web")
    refused = cluster.gnt("cluster", "config", "rollback", "-f", before, status=1)
    assert "web runs on node3, and its home would be node2" in refused.stderr
    cluster.lab.cut(3)
    refused = cluster.gnt("cluster", "config", "rollback", "-f", before, status=1)
    assert "node3 does not answer" in refused.stderr
    assert runs(cluster) == [3]
    said = cluster.gnt("node", "modify", "--offline=yes", "node3").stderr
    assert re.search("note: node3 does not answer .*that nothing runs there is your word", said)
