"""Masters that die, are cut off and come back: no change is lost, none is made twice."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.conftest import Cluster

GNT = "/var/lib/gnt"


def test_a_dead_master_is_replaced_and_then_fenced(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", "one")
    cluster.lab.kill(1)
    cluster.gnt("cluster", "master-failover", "--to", "node2")
    assert cluster.gnt("cluster", "getmaster").stdout.strip() == "node2"
    cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node3", "two")
    cluster.lab.start(1)
    terms = {cluster.lab.on(n, "cat", f"{GNT}/term").stdout.strip() for n in (2, 3)}
    assert terms == {"2"}
    assert sorted(cluster.listed("instance", "name")) == [["one"], ["two"]]
    cluster.gnt("cluster", "redist-conf", "--yes-do-it")
    heads = {cluster.lab.on(n, "cat", f"{GNT}/config/head").stdout for n in (1, 2, 3)}
    assert len(heads) == 1
    cluster.gnt("cluster", "config", "verify")


def test_without_a_majority_nothing_is_written(new_cluster: Callable[[int], Cluster]) -> None:
    cluster = new_cluster(3)
    cluster.lab.cut(2)
    cluster.lab.cut(3)
    refused = cluster.gnt("cluster", "add-tags", "red", status=None)
    assert refused.returncode == 24
    assert "node2" in refused.stderr
    assert "node3" in refused.stderr
    assert cluster.gnt("cluster", "list-tags").stdout == ""
    cluster.lab.heal()
    cluster.gnt("cluster", "add-tags", "blue")
    assert cluster.gnt("cluster", "list-tags").stdout == "blue\n"


def test_a_flipped_byte_on_the_master_is_noticed(new_cluster: Callable[[int], Cluster]) -> None:
    cluster = new_cluster(3)
    cluster.gnt("cluster", "add-tags", "red")
    cluster.lab.on(1, "sh", "-c", f"sed -i 's/\"red\"/\"rod\"/' {GNT}/config/journal-*.toml")
    noticed = cluster.gnt("cluster", "config", "verify", status=None)
    assert noticed.returncode != 0
    refused = cluster.gnt("cluster", "add-tags", "blue", status=None)
    assert refused.returncode != 0, refused.stderr
    assert "node1" in refused.stderr + noticed.stderr


def test_a_candidate_with_other_bytes_is_named_and_repaired(
    new_cluster: Callable[[int], Cluster],
) -> None:
    cluster = new_cluster(3)
    cluster.lab.on(2, "sh", "-c", f"sed -i 's/root@admin/toor@admin/' {GNT}/config/journal-*.toml")
    noticed = cluster.gnt("cluster", "config", "verify", status=22)
    assert "node2: its copy has other bytes in journal-1.toml" in noticed.stderr
    assert "node2" in cluster.gnt("cluster", "verify", status=1).stdout
    cluster.gnt("cluster", "redist-conf")
    cluster.gnt("cluster", "config", "verify")
    cluster.gnt("cluster", "verify")
