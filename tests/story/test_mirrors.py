"""Mirrored disks on real kernels: made, moved, replaced, and what accidents leave of them.

The tests are one story on three virtual nodes: each goes on where the one before it ended.
"""

from __future__ import annotations

import json
import signal
import time

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

    from tests.machines import MachineLab

pytestmark = pytest.mark.slow
IMAGE = "/var/cache/gnt-lab/boot.raw"
SIZE = 32  # MiB
UNREACHABLE = 21  # the exit code
TOO_SLOW = "does not speak SSH in time", "shows no host key: No existing session"
TRIES = 8
WRITTEN = ("of=/dev/drbd0", "bs=1M", "seek=8", "count=8", "oflag=direct", "conv=fsync")
LIMITS = "memory-size={0},cpu-count={0},disk-size={0},disk-count={0},nic-count=0,spindle-use={0}"


@pytest.fixture(scope="module")
def cluster(machines: MachineLab) -> MachineLab:
    lab = machines
    low, high = LIMITS.format(1), LIMITS.format(4096).replace("nic-count=0", "nic-count=8")
    gnt(lab, "gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "kvm",
        "--enabled-disk-templates", "drbd,plain", "--vg-name", "xenvg",
        "-D", "drbd:resync-rate=2048", "--ipolicy-bounds-specs", f"min:{low}/max:{high}", "mirrors")
    for node in ("node2", "node3"):
        gnt(lab, "gnt-node", "add", "--yes", node)
    for host in lab.hosts:
        lab.on(host.number, "mkdir", "-p", "/var/cache/gnt-lab")
        lab.run("scp", "-q", IMAGE, f"root@{host.address}:{IMAGE}", timeout=300)
    return lab


def gnt(lab: MachineLab, *words: str, status: int | None = 0) -> str:
    """What a command says; once more where an emulated machine was too slow to be reached."""
    done = lab.run(*words, status=None, timeout=400)
    for _ in range(TRIES):
        if done.returncode == UNREACHABLE and any(s in done.stderr for s in TOO_SLOW):
            done = lab.run(*words, status=None, timeout=400)
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def volumes(lab: MachineLab, node: int) -> list[str]:
    return lab.on(node, "lvs", "--noheadings", "-o", "lv_name").stdout.split()


def device(lab: MachineLab, node: int) -> str:
    """What /proc/drbd says of the node's only device; empty without one."""
    said = lab.on(node, "cat", "/proc/drbd").stdout.splitlines()
    return next((line for line in said if " cs:" in line), "")


def digest(lab: MachineLab, node: int) -> str:
    """Of the data as it lies on the node's own disk, but for the first MiB: there the guest keeps
    its state while it runs."""
    (name,) = (name for name in volumes(lab, node) if name.endswith("_data"))
    return lab.on(node, "sh", "-c", f"dd if=/dev/xenvg/{name} bs=1M skip=1 iflag=direct status=none"
                  " | sha256sum").stdout.split()[0]


def place(lab: MachineLab) -> list[str]:
    return gnt(lab, "gnt-instance", "list", "--no-headers", "-o", "pnode,snodes,status").split()


def guests(lab: MachineLab, node: int) -> int:
    return len(lab.on(node, "sh", "-c", "pgrep -f '^/usr/bin/qemu-system' || :").stdout.split())


def written(lab: MachineLab, node: int) -> str:
    """The sum of new data, written to the guest's disk where the guest does not look."""
    lab.on(node, "sh", "-c", "dd if=/dev/urandom of=/root/data bs=1M count=8 status=none")
    lab.on(node, "dd", "if=/root/data", "status=none", *WRITTEN)
    return lab.on(node, "sha256sum", "/root/data").stdout.split()[0]


def read(lab: MachineLab, node: int) -> str:
    return lab.on(node, "sh", "-c", "dd if=/dev/drbd0 bs=1M skip=8 count=8 iflag=direct"
                  " status=none | sha256sum").stdout.split()[0]


@pytest.fixture(scope="module")
def kept() -> dict[str, str]:
    """What later chapters have to know."""
    return {}


def test_an_instance_with_a_copy_on_each_of_two_nodes(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    said = gnt(cluster, "gnt-instance", "add", "-t", "drbd", "-n", "node1:node2", "-s", f"{SIZE}m",
               "-B", "memory=32m", "-O", f"image={IMAGE}", "db")
    assert "both copies are the same" in said
    assert place(cluster) == ["node1", "node2", "running"]
    assert "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate" in device(cluster, 1)
    assert "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate" in device(cluster, 2)
    kept["sum"] = written(cluster, 1)
    assert digest(cluster, 1) == digest(cluster, 2)
    assert "belongs to no" not in gnt(cluster, "gnt-cluster", "verify")
    info = json.loads(cluster.run("gnt-instance", "info", "--format", "json", "db").stdout)
    assert info[0]["Disks"][0]["copies"] == {"node1": "Primary, UpToDate (Connected)",
                                             "node2": "Secondary, UpToDate (Connected)"}


def test_it_migrates_live_with_both_nodes_writing_meanwhile(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    said = gnt(cluster, "gnt-instance", "migrate", "-f", "db")
    assert "downtime" in said
    assert place(cluster) == ["node2", "node1", "running"]
    assert (guests(cluster, 1), guests(cluster, 2)) == (0, 1)
    assert "ro:Primary/Secondary ds:UpToDate/UpToDate" in device(cluster, 2)
    assert read(cluster, 2) == kept["sum"]
    shown = cluster.on(2, "drbdsetup", "show", "resource0").stdout
    assert "allow-two-primaries" not in shown


class Replacing:
    """A replace-disks that is killed while the new copy is brought in step."""

    def __init__(self, lab: MachineLab) -> None:
        words = "gnt-instance", "replace-disks", "-n", "node3", "db"
        self.process: subprocess.Popen[str] = lab.start_command(*words)
        latest = time.monotonic() + 300
        while "cs:SyncTarget" not in device(lab, 3):
            if self.process.poll() == UNREACHABLE:
                self.process = lab.start_command(*words)
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < latest
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        listed = gnt(lab, "gnt-job", "list", "--no-headers", "-o", "id,status,summary")
        (self.job,) = [line.split()[0] for line in listed.splitlines()
                       if "replace" in line.lower() and line.split()[1] not in (
                           "success", "error", "undone")]


def test_a_killed_move_of_the_second_copy_is_taken_back(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    killed = Replacing(cluster)
    kept["sum"] = written(cluster, 2)  # which the old copy lacks, and the new one may have
    assert "ds:Outdated/" in device(cluster, 1)
    gnt(cluster, "gnt-job", "undo", killed.job)
    assert place(cluster) == ["node2", "node1", "running"]
    assert volumes(cluster, 3) == [] and device(cluster, 3) == ""
    gnt(cluster, "gnt-instance", "activate-disks", "--wait-for-sync", "db")
    assert "cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate" in device(cluster, 2)
    assert read(cluster, 2) == kept["sum"]
    assert digest(cluster, 1) == digest(cluster, 2)


def test_a_killed_move_of_the_second_copy_goes_on(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    killed = Replacing(cluster)
    kept["sum"] = written(cluster, 2)
    gnt(cluster, "gnt-job", "resume", killed.job)
    assert place(cluster) == ["node2", "node3", "running"]
    assert volumes(cluster, 1) == [] and device(cluster, 1) == ""
    assert "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate" in device(cluster, 3)
    assert digest(cluster, 2) == digest(cluster, 3)


def test_the_second_copy_is_made_anew(cluster: MachineLab) -> None:
    name = next(name for name in volumes(cluster, 3) if name.endswith("_data"))
    cluster.on(3, "drbdsetup", "detach", "0")  # as when its disk fails
    cluster.on(3, "dd", "if=/dev/zero", f"of=/dev/xenvg/{name}", "bs=1M", "count=8", "oflag=direct")
    said = gnt(cluster, "gnt-cluster", "verify", status=1)
    assert "the copy of disk/0 on node3 is Diskless" in said
    gnt(cluster, "gnt-instance", "replace-disks", "-a", "db")
    assert "ds:UpToDate/UpToDate" in device(cluster, 3)
    assert len(volumes(cluster, 3)) == 2
    assert digest(cluster, 2) == digest(cluster, 3)


def test_data_that_is_lost_comes_back_from_the_other_copy(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    """Its metadata is still there, and calls it UpToDate."""
    gnt(cluster, "gnt-instance", "shutdown", "--timeout", "0", "db")
    name = next(name for name in volumes(cluster, 2) if name.endswith("_data"))
    cluster.on(2, "lvremove", "-qq", "-f", f"xenvg/{name}")
    gnt(cluster, "gnt-instance", "recreate-disks", "db")
    gnt(cluster, "gnt-instance", "activate-disks", "--wait-for-sync", "db")
    assert digest(cluster, 2) == digest(cluster, 3)
    assert read(cluster, 2) == kept["sum"]
    gnt(cluster, "gnt-instance", "startup", "db")


def test_a_dead_node_s_instance_goes_on_where_the_second_copy_is(
    cluster: MachineLab, kept: dict[str, str],
) -> None:
    cluster.kill(2)
    refused = gnt(cluster, "gnt-instance", "failover", "-f", "db", status=None)
    assert "--i-have-powered-off node2" in refused
    assert guests(cluster, 3) == 0
    gnt(cluster, "gnt-instance", "failover", "-f", "--i-have-powered-off", "node2", "db")
    assert place(cluster)[0] == "node3" and guests(cluster, 3) == 1
    assert read(cluster, 3) == kept["sum"]
    gnt(cluster, "gnt-node", "modify", "--offline=yes", "node2")
    gnt(cluster, "gnt-instance", "replace-disks", "-n", "node1", "db")
    assert place(cluster) == ["node3", "node1", "running"]
    assert digest(cluster, 1) == digest(cluster, 3)
    assert read(cluster, 3) == kept["sum"]


def test_removing_it_leaves_nothing(cluster: MachineLab) -> None:
    gnt(cluster, "gnt-instance", "remove", "-f", "--shutdown-timeout", "0", "db")
    for node in (1, 3):
        assert volumes(cluster, node) == [] and device(cluster, node) == ""
        assert "1" not in cluster.on(
            node, "sh", "-c", "ss -Hltn 'sport >= 11000 and sport < 15000' | wc -l").stdout
    assert "belongs to no" not in gnt(cluster, "gnt-cluster", "verify")


def test_a_disk_that_is_one_volume(cluster: MachineLab) -> None:
    gnt(cluster, "gnt-instance", "add", "-t", "plain", "-n", "node1", "-s", "8m", "-B",
        "memory=32m", "-O", f"image={IMAGE}", "web")
    gnt(cluster, "gnt-instance", "grow-disk", "web", "0", "8m")
    sizes = cluster.on(1, "lvs", "--noheadings", "--units", "m", "--nosuffix", "-o", "lv_size")
    assert sizes.stdout.split() == ["16.00"]
    gnt(cluster, "gnt-instance", "remove", "-f", "--shutdown-timeout", "0", "web")
    assert volumes(cluster, 1) == []
