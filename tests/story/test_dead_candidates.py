"""Candidates that are dead or frozen are not waited for, and are caught up when they are back."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.conftest import Cluster

HEAD = "/var/lib/gnt/config/head"


def test_commits_do_not_wait_for_dead_candidates(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    quiet = cluster.gnt("cluster", "add-tags", "--timing", "all")
    assert "without waiting" not in quiet.stderr
    cluster.lab.kill(3)
    dead = cluster.gnt("cluster", "add-tags", "--timing", "dead")
    assert dead.stderr.strip().endswith("without waiting for node3")
    added = cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2",
                        "--timing", "one")
    assert "without waiting for node3" in added.stderr
    cluster.lab.start(3)
    cluster.gnt("cluster", "add-tags", "back")
    cluster.lab.hang(2)
    frozen = cluster.gnt("cluster", "add-tags", "--timing", "frozen")
    assert frozen.stderr.strip().endswith("without waiting for node2")
    cluster.lab.thaw(2)
    cluster.gnt("cluster", "add-tags", "thawed")
    assert len({cluster.lab.on(n, "cat", HEAD).stdout for n in (1, 2, 3)}) == 1
    assert cluster.gnt("cluster", "list-tags").stdout.split() == [
        "all", "back", "dead", "frozen", "thawed"]
    cluster.gnt("cluster", "config", "verify")
