"""The programs of the htools act on a real cluster: balance, maintain, save power, repair."""

from __future__ import annotations

import json
import time

import pytest

from tests.story.conftest import BOOT_GUEST, Cluster
from tests.story.outofband import FAKE, SLOW, boots, homes, obedient, powered, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEBIANS = """#!/bin/sh
exec /usr/lib/ganeti/iallocators/hail "$@"
"""


@pytest.fixture(scope="module")
def cluster(new_cluster: Callable[[int], Cluster]) -> Cluster:
    return obedient(new_cluster)


def test_hbal_balances_running_guests(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", "-n", "node1", *BOOT_GUEST, "web")
    for name in ("one", "two", "three"):
        cluster.gnt("instance", "add", "-n", "node1", *FAKE, name)
    cluster.until_says("web", "tick 00000003")
    planned = cluster.lab.run("hbal", "-L", "-C", "--min-gain", "0.000001").stdout
    assert "gnt-instance migrate" in planned
    assert set(homes(cluster).values()) == {"node1"}
    done = cluster.lab.run("hbal", "-L", "-X", "--min-gain", "0.000001", "--reason", "evening")
    assert "moves done" in done.stderr and "Got job IDs" in done.stderr
    assert len(set(homes(cluster).values())) == 3
    assert states(cluster) == {"running"}
    said = cluster.until_says("web", "tick ")
    assert "boot 00000002" not in said  # it was not started anew
    log = json.loads(cluster.gnt("cluster", "config", "log", "--format", "json").stdout)
    assert any(entry.get("reason") == "evening" for entry in log)


def test_new_instances_go_where_the_balance_says(cluster: Cluster) -> None:
    cluster.lab.on(1, "sh", "-c", "mkdir -p /etc/gnt/iallocators; cat >/etc/gnt/iallocators/debian;"
                   " chmod 755 /etc/gnt/iallocators/debian", stdin=DEBIANS)
    shown = cluster.gnt("instance", "add", "--dry-run", "--explain", *FAKE, "four").stdout
    assert "four goes to node" in shown and "lower is better" in shown
    cluster.gnt("instance", "add", "-I", "debian", *FAKE, "four")  # the reference's own hail
    assert homes(cluster)["four"] in ("node1", "node2", "node3")
    refused = cluster.gnt("instance", "add", "-I", "nobody", *FAKE, "five", status=None)
    assert refused.returncode != 0
    assert "there is no allocator nobody on this node, the master" in refused.stderr
    cluster.gnt("instance", "remove", "-f", "four")


def test_what_would_be_is_said_and_nothing_happens(cluster: Cluster) -> None:
    before = homes(cluster)
    done = cluster.gnt("cluster", "what-if", "lose node3", "add 500x 1G", status=1)
    assert "lose node3:" in done.stdout and "of 500 fit(s)" in done.stdout
    assert cluster.gnt("cluster", "what-if", "lose any").returncode == 0
    assert homes(cluster) == before


def test_a_node_is_emptied_and_a_group_is_left(cluster: Cluster) -> None:
    cluster.gnt("node", "evacuate", "-f", "node2")
    assert "node2" not in homes(cluster).values()
    cluster.gnt("group", "add", "rack2")
    cluster.gnt("group", "assign-nodes", "rack2", "node2")
    cluster.gnt("instance", "change-group", "-f", "--to", "rack2", "one")
    assert homes(cluster)["one"] == "node2"
    cluster.gnt("group", "evacuate", "-f", "--to", "default", "rack2")
    assert "node2" not in homes(cluster).values()
    cluster.gnt("group", "assign-nodes", "default", "node2")
    assert states(cluster) == {"running"}


def test_hroller_reboots_nodes_and_what_ran_there_is_back(cluster: Cluster) -> None:
    cluster.lab.run("hbal", "-L", "-X", "--min-gain", "0.000001")
    before, old = homes(cluster), boots(cluster)
    with powered(cluster):
        cluster.lab.run("hroller", "-L", "-X", "--one-step-only", timeout=SLOW)
        cluster.lab.run("hroller", "-L", "-X", timeout=SLOW)  # goes on with what is left
    new = boots(cluster)
    assert new["node1"] == old["node1"]
    assert new["node2"] != old["node2"] and new["node3"] != old["node3"]
    assert homes(cluster) == before and states(cluster) == {"running"}
    assert cluster.listed("node", "drained") == [[False]] * 3


def test_hsqueeze_switches_a_node_off_and_on_again(cluster: Cluster) -> None:
    with powered(cluster):
        done = cluster.lab.run("hsqueeze", "-L", "-X", "--target-resources", "0.5",
                               "--minimal-resources", "0.1", timeout=SLOW)
        off = [name for name, offline in cluster.listed("node", "name,offline") if offline]
        assert off, done.stdout
        assert states(cluster) == {"running"}
        assert not set(off) & set(homes(cluster).values())
        time.sleep(1)
        cluster.lab.run("hsqueeze", "-L", "-X", "--minimal-resources", "100000", status=None,
                        timeout=SLOW)
    assert cluster.listed("node", "offline") == [[False]] * 3
    assert states(cluster) == {"running"}


def test_harep_brings_back_what_a_lost_node_ran(cluster: Cluster) -> None:
    cluster.gnt("instance", "migrate", "-f", "-n", "node3", "one", status=None)
    assert homes(cluster)["one"] == "node3"
    cluster.lab.kill(3)
    cluster.gnt("node", "modify", "--offline=yes", "node3")
    told = cluster.lab.run("harep", "-L", "--dry-run")
    assert "one: needs failover, which no tag allows" in told.stderr
    cluster.gnt("cluster", "add-tags", "ganeti:watcher:autorepair:failover")
    cluster.lab.run("harep", "-L")
    assert "node3" not in homes(cluster).values() and states(cluster) == {"running"}
    tags = cluster.gnt("instance", "list-tags", "one").stdout
    assert "ganeti:watcher:autorepair:result:failover:" in tags and ":success:" in tags
    cluster.lab.start(3)
