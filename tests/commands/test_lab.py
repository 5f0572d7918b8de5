"""The main job on real nodes: a cluster over SSH, a real QEMU guest, its whole life."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest


@pytest.fixture(scope="module")
def image():
    """A boot sector that ticks on its serial console."""
    subprocess.run([sys.executable, "-m", "gnt.lab.main", "image", "boot"], check=True,
                   capture_output=True)
    return "/var/cache/gnt-lab/boot.raw"


@pytest.fixture(scope="module")
def cluster(lab):
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1.lab", "--enabled-hypervisors", "kvm",
            "--enabled-disk-templates", "sharedfile,diskless", "demo.lab")
    lab.run("gnt-node", "add", "--yes", "node2.lab")
    key = lab.on(3, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout.strip()
    lab.run("gnt-node", "add", "--ssh-host-key", key, "node3.lab")
    return lab


def instances(lab):
    """{name: (node, status)}"""
    lines = lab.run("gnt-instance", "list", "--no-headers", "--separator=|", "-o",
                    "name,pnode,status").stdout.splitlines()
    return {name: tuple(rest) for name, *rest in (line.split("|") for line in lines)}


def verified(lab, status=0):
    return lab.run("gnt-cluster", "verify", "--error-codes", status=status).stdout.splitlines()


def qemus(lab, node):
    return lab.on(node, "sh", "-c", "cat /run/gnt/kvm/*.pid 2>/dev/null || :").stdout.split()


def ticks(lab, node):
    """The numbers that the guest has written on its console on a node."""
    for _ in range(100):
        said = lab.on(node, "sh", "-c", "cat /run/gnt/kvm/*.console").stdout
        found = [int(line[5:13], 16) for line in said.splitlines() if line.startswith("tick ")]
        if len(found) > 1:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it does not tick: {said}")


def test_the_nodes_are_candidates_with_keys_of_their_own(cluster):
    said = cluster.run("gnt-node", "list", "--no-headers", "-o", "name,role").stdout.split()
    assert said == ["node1.lab", "M", "node2.lab", "C", "node3.lab", "C"]
    for node in (1, 2, 3):
        block = cluster.on(node, "cat", "/root/.ssh/authorized_keys").stdout
        assert block.count("restrict,pty,from=") == 3
    assert verified(cluster) == []


def test_a_guest_lives_moves_and_goes(cluster, image):
    lab = cluster
    lab.run("gnt-instance", "add", "-t", "sharedfile", "-s", "1g", "-n", "node1",
            "-O", f"image={image}", "web.lab")
    assert instances(lab) == {"web.lab": ("node1.lab", "running")}
    before = ticks(lab, 1)
    lab.run("gnt-instance", "migrate", "-f", "-n", "node2", "web")
    assert instances(lab) == {"web.lab": ("node2.lab", "running")}
    assert qemus(lab, 1) == [] and len(qemus(lab, 2)) == 1
    assert ticks(lab, 2)[0] >= before[-1]  # it went on, it did not start again
    lab.run("gnt-instance", "failover", "-f", "--shutdown-timeout", "0", "-n", "node3", "web")
    assert qemus(lab, 2) == [] and len(qemus(lab, 3)) == 1
    lab.run("gnt-instance", "shutdown", "--timeout", "0", "web")
    lab.run("gnt-instance", "modify", "-B", "memory=192", "--net", "-1:add", "web")
    lab.run("gnt-instance", "grow-disk", "web", "0", "1g")
    lab.run("gnt-instance", "startup", "web")
    lab.run("gnt-instance", "reboot", "-t", "full", "--shutdown-timeout", "0", "web")
    shown = json.loads(lab.run("gnt-instance", "info", "--format", "json", "web").stdout)[0]
    assert shown["State"].startswith("running") and len(shown["NICs"]) == 2
    assert shown["Disks"][0]["size"] == "2.0G" and shown["Primary node"] == "node3.lab"
    assert verified(lab) == []
    lab.run("gnt-instance", "remove", "-f", "--shutdown-timeout", "0", "web")
    assert instances(lab) == {} and qemus(lab, 3) == []
    taps = [lab.on(n, "sh", "-c", "ip -o link | grep -c gnt || :").stdout for n in (1, 2, 3)]
    assert taps == ["0\n"] * 3
    left = lab.on(1, "find", "/srv/gnt/shared-file-storage", "-type", "f").stdout
    assert left == "" and verified(lab) == []


def test_nobody_can_be_in_two_places(cluster, image):
    """A dead node needs proof before its guest starts elsewhere."""
    lab = cluster
    lab.run("gnt-instance", "add", "-t", "sharedfile", "-s", "1g", "-n", "node3",
            "-O", f"image={image}", "db.lab")
    lab.kill(3)
    refused = lab.run("gnt-instance", "failover", "-f", "-n", "node2", "db", status=1).stderr
    assert "may still run there" in refused and "--i-have-powered-off node3.lab db.lab" in refused
    assert instances(lab)["db.lab"] == ("node3.lab", "ERROR_nodedown")
    lab.run("gnt-instance", "failover", "-f", "-n", "node2", "--i-have-powered-off", "node3", "db")
    assert instances(lab)["db.lab"] == ("node2.lab", "running")
    lab.run("gnt-node", "modify", "--offline=yes", "node3")
    assert verified(lab) == []
    lab.start(3)
    lab.run("gnt-node", "modify", "--offline=no", "node3")
    lab.run("gnt-instance", "remove", "-f", "--shutdown-timeout", "0", "db")
    assert verified(lab) == []


def test_what_is_left_and_what_is_lost_is_found(cluster, image):
    lab = cluster
    lab.run("gnt-instance", "add", "-t", "sharedfile", "-s", "1g", "-n", "node1",
            "-O", f"image={image}", "mail.lab")
    pid, = qemus(lab, 1)
    lab.on(1, "kill", "-9", pid)
    lab.on(1, "sh", "-c", "mkdir /srv/gnt/shared-file-storage/gone; "
           ": >/srv/gnt/shared-file-storage/gone/x.raw")
    lab.on(2, "sh", "-c", "echo 99 >/var/lib/gnt/term")
    found = {line.split(":")[1] for line in verified(lab, status=1)}
    assert {"EINSTANCEDOWN", "ENODEORPHANLV"} <= found
    lab.on(2, "sh", "-c", "echo 1 >/var/lib/gnt/term")
    lab.on(1, "rm", "-r", "/srv/gnt/shared-file-storage/gone")
    lab.run("gnt-instance", "startup", "mail")
    assert verified(lab) == []
    lab.run("gnt-instance", "remove", "-f", "--shutdown-timeout", "0", "mail")


def test_a_changed_host_key_is_refused(cluster):
    lab = cluster
    lab.on(2, "sh", "-c", "cd /etc/ssh && mkdir kept && mv ssh_host_* kept && ssh-keygen -q -t "
           "ed25519 -N '' -f ssh_host_ed25519_key && kill -HUP $(cat /run/sshd.pid)")
    said = lab.run("gnt-cluster", "command", "-n", "node2", "true", status=1).stderr
    assert "host key is not the recorded one" in said
    assert any("ERROR:ENODESSH:node:node2.lab" in line for line in verified(lab, status=1))
    lab.on(2, "sh", "-c", "cd /etc/ssh && rm ssh_host_* ; mv kept/* . && rmdir kept && "
           "kill -HUP $(cat /run/sshd.pid)")
    assert verified(lab) == []


def test_files_and_commands_reach_every_node(cluster):
    lab = cluster
    lab.run("gnt-cluster", "copyfile", "/etc/hostname", status=0)
    lab.run("gnt-cluster", "add-tags", "site:here")
    assert lab.run("gnt-cluster", "search-tags", "^site:").stdout == "/cluster site:here\n"
    said = lab.run("gnt-cluster", "command", "-M", "--", "echo", "$((6*7))").stdout
    assert said.splitlines() == [f"node{n}.lab: 42" for n in (1, 2, 3)]


def test_a_node_leaves_and_the_cluster_ends(cluster):
    lab = cluster
    for node in ("node2", "node3"):
        lab.run("gnt-node", "remove", "--yes", node)
    assert lab.on(2, "ls", "/var/lib/gnt").stdout == ""
    assert "# gnt" not in lab.on(3, "cat", "/root/.ssh/authorized_keys").stdout
    assert lab.run("gnt-cluster", "destroy", status=13)
    lab.run("gnt-cluster", "destroy", "--yes-do-it")
    lab.run("gnt-cluster", "info", status=5)
