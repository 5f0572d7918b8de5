"""The life of an instance on real QEMU: made, moved, lost with its host, brought back, removed."""

from __future__ import annotations

import re

from tests.story.conftest import BOOT_GUEST, Cluster


def _ticks(said: str) -> list[int]:
    return [int(word, 16) for word in re.findall(r"tick ([0-9a-f]{8})", said)]


def test_an_instance_lives_moves_and_leaves_nothing(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", "-n", "node1", *BOOT_GUEST, "web")
    assert cluster.status("web") == ("node1", "running")
    before = _ticks(cluster.until_says("web", "tick 00000003"))

    moved = cluster.gnt("instance", "migrate", "-f", "-n", "node2", "web")
    assert cluster.status("web") == ("node2", "running")
    assert re.search(r"downtime \d+", moved.stderr), moved.stderr
    last = before[-1] + 1
    after = _ticks(cluster.until_says("web", f"tick {last:08x}"))
    # it went on counting, it did not boot again; what it said on node1 came along
    assert after == list(range(before[0], after[-1] + 1))
    assert cluster.traces(1) == "web\n"  # the shared disk's folder, which every node sees

    cluster.gnt("instance", "shutdown", "web")
    assert cluster.status("web") == ("node2", "ADMIN_down")
    cluster.gnt("instance", "startup", "web")
    cluster.until_says("web", "boot 00000002")

    cluster.gnt("instance", "remove", "-f", "web")
    assert [cluster.traces(node) for node in (1, 2, 3)] == ["", "", ""]
    cluster.gnt("cluster", "verify")


def test_a_dry_run_does_nothing(cluster: Cluster) -> None:
    serial = cluster.gnt("cluster", "config", "log", "--format", "json").stdout
    shown = cluster.gnt("instance", "add", "-n", "node1", *BOOT_GUEST, "dry", "--dry-run").stdout
    assert "hypervisor.kvm.tasks.start" in shown
    assert cluster.gnt("cluster", "config", "log", "--format", "json").stdout == serial
    assert cluster.traces(1) == ""


def test_qemu_that_dies_at_start_shows_why_and_leaves_nothing(cluster: Cluster) -> None:
    failed = cluster.gnt(
        "instance", "add", "-n", "node1", *BOOT_GUEST, "-H", "kvm:machine_version=pc-none", "bad",
        status=None,
    )  # fmt: skip
    assert failed.returncode == 1
    assert "unsupported machine type" in failed.stderr
    assert cluster.traces(1) == ""
    assert cluster.gnt("instance", "list", "bad", status=None).returncode == 1


def test_a_changed_image_is_refused_before_it_is_used(cluster: Cluster) -> None:
    words = ["-O", f"image=/var/cache/gnt-lab/boot.raw,sha256={'0' * 64},seed=no"]
    failed = cluster.gnt(
        "instance", "add", "-n", "node1", *BOOT_GUEST[:-2], *words, "bad", status=None
    )
    assert failed.returncode != 0
    assert f"not {'0' * 64}" in failed.stderr
    assert cluster.traces(1) == ""


def test_a_lost_host_needs_proof_before_its_instance_starts_elsewhere(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", "-n", "node3", *BOOT_GUEST, "db")
    cluster.lab.kill(3)
    assert cluster.status("db") == ("node3", "ERROR_nodedown")
    refused = cluster.gnt("instance", "failover", "-f", "db", status=None)
    assert refused.returncode == 1
    assert "--i-have-powered-off node3" in refused.stderr
    cluster.gnt("instance", "failover", "-f", "-n", "node1", "--i-have-powered-off", "node3", "db")
    assert cluster.status("db") == ("node1", "running")
    cluster.until_says("db", "boot 00000002")
    cluster.lab.start(3)
    cluster.gnt("cluster", "verify")
    cluster.gnt("instance", "remove", "-f", "db")
    assert [cluster.traces(node) for node in (1, 2, 3)] == ["", "", ""]
