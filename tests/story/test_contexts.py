"""Two clusters known to one admin: each by its name, each with a trust root of its own."""

from __future__ import annotations

import json

import pytest

from gnt.lab.guest.boot import BOOT
from tests.story.conftest import Cluster

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.labs import Lab


@pytest.fixture(scope="module")
def two(new_lab: Callable[[int], Lab]) -> Cluster:
    """A lab in which node1 is the cluster east.lab and node2 the cluster west.lab."""
    BOOT.made()
    made = Cluster(new_lab(2))
    for node, name in (("node1", "east.lab"), ("node2", "west.lab")):
        made.gnt("cluster", "init", "--yes", "--master", node, "--enabled-hypervisors", "fake",
                 "--enabled-disk-templates", "diskless", name)
    return made


def test_each_cluster_is_reached_by_its_name(two: Cluster) -> None:
    undecided = two.gnt("node", "list", status=5)
    assert "several" in undecided.stderr and "east.lab, west.lab" in undecided.stderr
    for cluster, node in (("east.lab", "node1"), ("west.lab", "node2")):
        assert two.gnt("--cluster", cluster, "cluster", "getmaster").stdout == f"{node}\n"
        two.gnt("instance", "add", "-t", "diskless", f"on-{node}", "--cluster", cluster)
    two.gnt("context", "use", "west.lab")
    assert two.gnt("cluster", "getmaster").stdout == "node2\n"
    assert two.listed("instance", "name") == [["on-node2"]]
    chosen = two.lab.run("gnt", "cluster", "getmaster", env={"GNT_CLUSTER": "east.lab"})
    assert chosen.stdout == "node1\n"
    assert "no context north" in two.gnt("--cluster", "north", "node", "list", status=5).stderr

    known = json.loads(two.gnt("context", "list", "--format", "json").stdout)
    assert [(one["name"], one["current"]) for one in known] == [
        ("east.lab", ""), ("west.lab", "*")]


def test_the_configuration_of_another_cluster_is_not_believed(two: Cluster) -> None:
    """West's, put where east's was: it is signed by the same admin, and of another cluster."""
    west, east = ("--cluster", "west.lab"), ("--cluster", "east.lab")
    two.gnt(*west, "cluster", "add-tags", "west")
    for part in ("head", "base-1.toml", "journal-1.toml"):
        path = f"/var/lib/gnt/config/{part}"
        two.lab.on(1, "sh", "-c", f"cat >{path}", stdin=two.lab.on(2, "cat", path).stdout)
    refused = two.gnt(*east, "cluster", "add-tags", "x", status=22)
    assert "cluster" in refused.stderr, refused.stderr
    assert "west" not in two.gnt(*east, "cluster", "list-tags", status=None).stdout
