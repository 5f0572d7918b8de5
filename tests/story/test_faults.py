"""Full disks, bad images and admins elsewhere: refused with the reason, nothing lost or left."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest

import gnt
from gnt.lab.guest.boot import BOOT
from tests.story.conftest import BOOT_GUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.story.conftest import Cluster

SECOND = "/root/second"  # the home of another admin
NODE_PYTHON = ("env", "/usr/bin/python3", "-c",
               "import sys; sys.argv[0] = 'gnt'; from gnt.cli.main import main; sys.exit(main())")


def fill(cluster: Cluster, node: int, folder: str) -> None:
    cluster.lab.on(node, "sh", "-c", f"dd if=/dev/zero of={folder}/fill bs=1k 2>/dev/null || :")


def test_a_full_master_refuses_and_keeps_what_it_has(cluster: Cluster) -> None:
    cluster.gnt("cluster", "add-tags", "before")
    cluster.lab.small_disk(1, "/var/lib/gnt", "300k")
    fill(cluster, 1, "/var/lib/gnt")
    refused = cluster.gnt("instance", "add", "-t", "diskless", "-H", "fake", "none", status=21)
    assert "cannot write" in refused.stderr
    assert "is a disk of node1 full?" in refused.stderr
    assert cluster.gnt("cluster", "list-tags").stdout == "before\n"
    assert cluster.gnt("job", "list", "--no-headers", "-o", "status").stdout.count("running") == 0
    cluster.lab.on(1, "rm", "/var/lib/gnt/fill")
    cluster.gnt("cluster", "add-tags", "after")
    cluster.gnt("cluster", "config", "verify")


def test_a_full_candidate_is_named_and_the_others_go_on(cluster: Cluster) -> None:
    cluster.lab.small_disk(3, "/var/lib/gnt", "300k")
    fill(cluster, 3, "/var/lib/gnt")
    cluster.gnt("cluster", "add-tags", "two-of-three")
    noticed = cluster.gnt("cluster", "config", "verify", status=22)
    assert "node3: its copy stands at serial" in noticed.stderr
    cluster.lab.on(3, "rm", "/var/lib/gnt/fill")
    cluster.gnt("cluster", "redist-conf")
    cluster.gnt("cluster", "config", "verify")


def test_a_node_without_room_is_refused_or_cleaned(cluster: Cluster) -> None:
    cluster.lab.small_disk(2, "/srv/gnt/file-storage", "4m")
    small = ("-t", "file", "-B", "memory=128m", "-n", "node2")
    refused = cluster.gnt("instance", "add", *small, "-s", "1g", "full", status=25)
    assert "MiB of disk space free, full needs 1024 MiB" in refused.stderr
    assert cluster.traces(2) == ""


@pytest.mark.parametrize(("image", "problem", "hint"), [
    ("/root/none", "it has no file /root/none", "gnt-cluster copyfile /root/none"),
    ("/root/cut.qcow2", "truncated or damaged", ""),
    ("/root/text", "truncated, or no disk image", ""),
])
def test_images_that_cannot_be_used_leave_nothing(
    cluster: Cluster, image: str, problem: str, hint: str,
) -> None:
    cluster.lab.on(1, "sh", "-c", "echo hello >/root/text; qemu-img create -q -f qcow2 /root/w 9M;"
                   " qemu-io -q -f qcow2 -c 'write 0 4M' /root/w;"
                   " head -c 100000 /root/w >/root/cut.qcow2")
    failed = cluster.gnt("instance", "add", "-n", "node1", *BOOT_GUEST[:-1], f"image={image}",
                         "bad", status=1)
    assert problem in failed.stderr
    assert hint in failed.stderr
    assert "undone: create disk/0 (1.0G) on node1" in failed.stderr
    assert cluster.traces(1) == ""


def test_a_changed_host_key_is_named_and_nothing_is_sent(cluster: Cluster) -> None:
    change = "kill -HUP $(pgrep -o sshd)"
    cluster.lab.on(3, "sh", "-c", "cp -a /etc/ssh /root/ssh && rm /etc/ssh/ssh_host_* && "
                   f"ssh-keygen -q -A && {change}")
    said = cluster.gnt("node", "list")
    assert "its host key is not the recorded one" in said.stderr
    assert "nothing was sent to it" in said.stderr
    assert "node3" in cluster.gnt("cluster", "verify", status=1).stdout
    cluster.lab.on(3, "sh", "-c", f"cp -a /root/ssh/. /etc/ssh/ && {change}")
    cluster.gnt("node", "list")


def test_an_admin_elsewhere_joins_and_both_change_at_once(cluster: Cluster) -> None:
    lab = cluster.lab
    lab.run("sh", "-c", f"mkdir -p -m 700 {SECOND}/.ssh && cp ~/.ssh/id_ed25519* {SECOND}/.ssh/")
    other = {"HOME": SECOND}
    key = lab.on(1, "ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    (signer,) = {line.split()[-1] for line in cluster.gnt("cluster", "config", "verify")
                 .stdout.splitlines() if line.startswith("first signer")}
    join = ("gnt", "context", "join", "there", "node1", "--ssh-host-key", key, "--signer")
    assert lab.run(*join, "SHA256:strange", env=other, status=23)
    joined = lab.run(*join, signer, env=other)
    assert "is known as there" in joined.stdout + joined.stderr
    assert "before" in lab.run("gnt", "cluster", "list-tags", env=other).stdout
    lab.run("sh", "-c", f"ssh-keygen -q -t ed25519 -N '' -f {SECOND}/mine; true")
    added = [lab.start_command("gnt", *words, env=env) for number in range(4) for words, env in (
        (("instance", "add", "-t", "diskless", "-H", "fake", f"i{number}"), {}),
        (("cluster", "add-tags", f"t{number}"), other))]
    ended = [process.communicate(timeout=100) for process in added]
    assert [process.returncode for process in added] == [0] * 8, ended
    assert {f"i{n}" for n in range(4)} <= {name for (name,) in cluster.listed("instance", "name")}
    assert {f"t{n}" for n in range(4)} <= set(cluster.gnt("cluster", "list-tags").stdout.split())
    gone = [lab.start_command("gnt", "instance", "remove", "-f", f"i{n}") for n in range(4)]
    assert [process.wait(100) for process in gone] == [0] * 4


NEEDED = ("fabric", "invoke", "paramiko", "cryptography", "cffi", "_cffi", "pycparser", "bcrypt",
          "nacl", "deprecated", "decorator", "wrapt", "tomli", "tabulate")


def visible_to_nodes() -> Path:
    """A copy of gnt and what it imports where nodes see it: a checkout may be in /tmp or /root."""
    target = BOOT.path.parent / "driver"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(Path(gnt.__file__).parent, target / "gnt",
                    ignore=shutil.ignore_patterns("__pycache__"))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name.startswith(NEEDED):
            copy = shutil.copytree if entry.is_dir() else shutil.copy
            copy(entry, target / entry.name)
    return target


def test_drivers_on_a_candidate_and_on_a_node_that_is_none(cluster: Cluster) -> None:
    installed = visible_to_nodes()

    def on(node: int, *words: str, status: int = 0) -> str:
        done = cluster.lab.on(
            node, "env", f"PYTHONPATH={installed}", *NODE_PYTHON, *words, status=status)
        return done.stdout + done.stderr

    on(2, "instance", "add", "-t", "diskless", "-H", "fake", "-n", "node1", "from2")
    assert "from2" in on(1, "instance", "list", "-o", "name")
    cluster.gnt("node", "modify", "-C", "no", "-f", "node3")
    refused = on(3, "cluster", "add-tags", "x", status=11)
    assert "node3 is no master candidate" in refused
    assert "gnt-node modify -C yes node3" in refused
    cluster.gnt("node", "modify", "-C", "yes", "node3")
    on(3, "instance", "remove", "-f", "from2")
