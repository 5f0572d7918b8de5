"""Private OS parameters are in the clear in the guest's seed only; secret ones are not stored."""

from __future__ import annotations

import time

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.story.conftest import Cluster

WORD = "hunter2-is-no-password"
GUEST = ("-t", "sharedfile", "--disk", "0:size=1g", "-B", "memory=128m", "--ignore-ipolicy",
         "-O", "image=/var/cache/gnt-lab/boot.raw", "-n", "node1")
HOOKS = "/etc/gnt/hooks/instance-add-pre.d"
HOOK = """#!/bin/sh
[ -e /root/hold ] || exit 0
: >/root/held
while [ -e /root/hold ]; do sleep 0.05; done
"""


@pytest.fixture
def user_data(tmp_path):
    file = tmp_path / "user-data"
    file.write_text(f"#cloud-config\npassword: {WORD}\n")
    return f"user_data=@{file}"


def holders(cluster: Cluster) -> set[str]:
    """The files in which the word is, on any host, but the seeds of guests."""
    search = f"grep -rl {WORD} /var/lib/gnt /run/gnt /root /var/cache/gnt 2>/dev/null || :"
    found = {f"node{n}:{line}" for n in (1, 2, 3)
             for line in cluster.lab.on(n, "sh", "-c", search).stdout.splitlines()}
    found |= {f"admin:{line}" for line in cluster.lab.run(
        "sh", "-c", f"grep -rl {WORD} ~ /var/cache/gnt 2>/dev/null || :").stdout.splitlines()}
    return {one for one in found if not one.endswith(".seed")}


def seeds(cluster: Cluster, node: int) -> int:
    return int(cluster.lab.on(
        node, "sh", "-c", f"cat /run/gnt/kvm/*.seed 2>/dev/null | grep -c {WORD} || :").stdout)


def test_private_parameters_reach_the_guest_and_nobody_else(cluster: Cluster, user_data) -> None:
    cluster.gnt("instance", "add", *GUEST, "--os-parameters-private", user_data, "quiet")
    assert seeds(cluster, 1) == 1
    cluster.gnt("instance", "migrate", "-f", "-n", "node2", "quiet")
    assert seeds(cluster, 2) == 1
    assert holders(cluster) == set()
    assert "Private OS parameters: user_data" in cluster.gnt("instance", "info", "quiet").stdout
    shown = cluster.gnt("instance", "reboot", "--type", "hard", "--dry-run", "quiet").stdout
    assert WORD not in shown
    modes = {cluster.lab.on(n, "stat", "-c", "%a", "/var/lib/gnt/keys/params").stdout
             for n in (1, 2, 3)}
    assert modes == {"600\n"}
    cluster.gnt("instance", "modify", "--os-parameters-private", "user_data=default", "quiet")
    assert "user_data" not in cluster.gnt("instance", "info", "quiet").stdout
    cluster.gnt("instance", "remove", "-f", "quiet")


def test_secret_parameters_are_asked_for_again(cluster: Cluster, user_data) -> None:
    cluster.lab.on(1, "sh", "-c", f"mkdir -p {HOOKS} && cat >{HOOKS}/wait && chmod 755 {HOOKS}/wait"
                   " && : >/root/hold", stdin=HOOK)
    driver = cluster.lab.start_command(
        "gnt", "instance", "add", *GUEST, "--os-parameters-secret", user_data, "mute")
    while cluster.lab.on(1, "test", "-e", "/root/held", status=None).returncode:
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.1)
    driver.kill()
    driver.communicate()
    cluster.lab.on(1, "rm", "/root/hold")
    (job,) = [row[0] for row in cluster.listed("job", "id,status") if row[1] == "stalled"]
    refused = cluster.gnt("job", "resume", str(job), status=1)
    assert "needs its secret OS parameters again: user_data" in refused.stderr
    cluster.gnt("job", "resume", "--os-parameters-secret", user_data, str(job))
    assert cluster.status("mute") == ("node1", "running")
    assert seeds(cluster, 1) == 1
    assert holders(cluster) == set()
    cluster.gnt("instance", "remove", "-f", "mute")
