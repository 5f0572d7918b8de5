"""A hardened cluster lives like any other; a stolen login key does not."""

from __future__ import annotations

import pytest

from tests.story.conftest import make

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.labs import Lab
    from tests.story.conftest import Cluster

CONTEXT = "~/.config/gnt/contexts/demo.lab.toml"
MARK = "/tmp/broken-in"


@pytest.fixture(scope="module")
def hardened(new_lab: Callable[[int], Lab]) -> Cluster:
    cluster = make(new_lab(3))
    cluster.gnt("cluster", "modify", "--hardened=yes")
    return cluster


def signing_as(cluster: Cluster, key: str) -> None:
    """From now on the admin's commands are signed with this key."""
    cluster.lab.run("sh", "-c", f"sed -i 's#^signer = .*#signer = \"{key}\"#' {CONTEXT}")


def test_guests_live_and_move(hardened: Cluster) -> None:
    hardened.gnt("instance", "add", "-t", "file", "--disk", "0:size=1g", "-H", "fake", "-n",
                 "node2", "--no-install", "one")
    hardened.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", "two")
    hardened.gnt("instance", "migrate", "--yes", "two")
    assert hardened.status("two")[1] == "running"
    hardened.gnt("instance", "shutdown", "two")
    hardened.gnt("instance", "remove", "--yes", "two")
    hardened.gnt("cluster", "verify")


def test_submitted_jobs_run_behind_gates(hardened: Cluster) -> None:
    """Many threads share the connections and the store of one runner."""
    ids = [hardened.gnt("instance", "add", "--submit", "--print-jobid", "-t", "diskless", "-H",
                        "fake", "-n", f"node{number}", f"queued{number}").stdout.strip()
           for number in (1, 2, 3)]
    for job in ids:
        hardened.gnt("job", "wait", job)
    assert {f"queued{number}" for number in (1, 2, 3)} <= {
        row[0] for row in hardened.listed("instance", "name")}
    for number in (1, 2, 3):
        hardened.gnt("instance", "remove", "--yes", f"queued{number}")


def test_the_admin_s_own_key_reads_facts_and_nothing_else(hardened: Cluster) -> None:
    for number in (1, 2, 3):
        for command in (f"touch {MARK}", "cat /etc/shadow", f"exec /bin/sh; touch {MARK}"):
            done = hardened.lab.ssh(number, command, status=126)
            assert "hardened and refuses" in done.stderr
        hardened.lab.on(number, "test", "!", "-e", MARK)


def test_a_command_on_nodes_is_signed_and_stays_in_the_history(hardened: Cluster) -> None:
    said = hardened.gnt("cluster", "command", "-n", "node2", "--", "echo", "hello").stdout
    assert "hello" in said
    log = hardened.gnt("cluster", "config", "log", "--format", "json").stdout
    assert "echo hello on node2" in log


def test_a_job_that_was_killed_is_resumed_and_one_is_undone(hardened: Cluster) -> None:
    for verb in ("resume", "undo"):
        hook, said = "/etc/gnt/hooks/instance-add-pre.d", "echo $$ >/tmp/slow\\nexec sleep 600"
        hardened.lab.on(2, "sh", "-c", f"mkdir -p {hook}; printf '#!/bin/sh\\n{said}\\n' "
                        f">{hook}/slow; chmod 755 {hook}/slow")
        driver = hardened.lab.start_command(
            "gnt", "instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", f"of-{verb}")
        hardened.lab.on(2, "sh", "-c", "until [ -s /tmp/slow ]; do sleep 0.1; done")
        driver.kill()
        driver.communicate()
        hardened.lab.on(2, "sh", "-c", f"rm -r {hook}; kill $(cat /tmp/slow); rm /tmp/slow")
        job = max(int(row[0]) for row in hardened.listed("job", "id"))
        hardened.gnt("job", verb, str(job))
    assert ["of-resume"] in hardened.listed("instance", "name")
    assert ["of-undo"] not in hardened.listed("instance", "name")
    hardened.gnt("cluster", "verify")


def test_nodes_go_and_come_back(hardened: Cluster) -> None:
    """Offline while a signer was added, then removed altogether, then added again."""
    lab, mark = hardened.lab, "# gnt: waits"
    hardened.gnt("node", "modify", "--offline=yes", "node3")
    lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/erin")
    hardened.gnt("cluster", "signer", "add", "--no-login", "erin", "/root/erin.pub")
    hardened.gnt("node", "modify", "--offline=no", "node3")
    assert "erin" in lab.on(3, "cat", "/var/lib/gnt/gate/signers").stdout
    hardened.gnt("node", "remove", "--yes", "node3")
    left = lab.on(3, "cat", "/root/.ssh/authorized_keys").stdout
    assert "command=" not in left and mark not in left
    assert lab.ssh(3, "ls /var/lib/gnt").stdout == ""
    hardened.gnt("node", "add", "--yes", "node3")
    assert mark in lab.on(3, "cat", "/root/.ssh/authorized_keys").stdout
    lab.ssh(3, "id", status=126)
    hardened.gnt("cluster", "signer", "remove", "erin")
    hardened.gnt("cluster", "verify")


def test_a_console_needs_a_ticket(hardened: Cluster) -> None:
    hardened.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", "seen")
    said = hardened.lab.run(
        "sh", "-c", "script -qc 'gnt instance console seen' /dev/null </dev/null")
    assert "running" in said.stdout
    hardened.gnt("instance", "remove", "--yes", "seen")


def test_a_removed_signer_can_sign_nothing_on_any_node(hardened: Cluster) -> None:
    lab = hardened.lab
    lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/bob")
    hardened.gnt("cluster", "signer", "add", "--valid-until=2099-01-01", "bob", "/root/bob.pub")
    signing_as(hardened, "/root/bob")
    hardened.gnt("cluster", "command", "--", "true")
    signing_as(hardened, "/root/.ssh/id_ed25519")
    hardened.gnt("cluster", "signer", "remove", "bob")
    for number in (1, 2, 3):
        assert "bob" not in lab.on(number, "cat", "/var/lib/gnt/gate/signers").stdout
    signing_as(hardened, "/root/bob")
    refused = hardened.gnt("cluster", "add-tags", "x", status=21)
    assert "hardened and refuses an order that is not signed by anybody who may" in refused.stderr
    signing_as(hardened, "/root/.ssh/id_ed25519")


def test_two_must_agree(hardened: Cluster) -> None:
    lab = hardened.lab
    lab.run("sh", "-c", "for n in carol dave; do ssh-keygen -q -t ed25519 -N '' -f /root/$n; done")
    hardened.gnt("cluster", "signer", "add", "carol", "/root/carol.pub")
    hardened.gnt("cluster", "signer", "threshold", "2")
    alone = hardened.gnt("cluster", "signer", "add", "dave", "/root/dave.pub", status=23)
    assert "--consent FILE" in alone.stderr
    consent = ("cluster", "signer", "add", "--consent", "/root/dave.consent", "dave",
               "/root/dave.pub")
    hardened.gnt(*consent, status=23)
    signing_as(hardened, "/root/carol")
    hardened.gnt("cluster", "sign", "--yes", "/root/dave.consent")
    signing_as(hardened, "/root/.ssh/id_ed25519")
    hardened.gnt(*consent)
    assert "dave" in lab.on(3, "cat", "/var/lib/gnt/gate/signers").stdout
    hardened.gnt("cluster", "modify", "--hardened=no", status=23)
    hardened.gnt("cluster", "config", "verify")


def test_another_master_needs_two_as_well_and_works_when_the_old_one_is_dead(
    hardened: Cluster,
) -> None:
    failover = ("cluster", "master-failover", "--to", "node2", "--consent", "/root/master.consent")
    hardened.lab.kill(1)
    hardened.gnt(*failover, status=23)
    signing_as(hardened, "/root/carol")
    hardened.gnt("cluster", "sign", "--yes", "/root/master.consent")
    signing_as(hardened, "/root/.ssh/id_ed25519")
    hardened.gnt(*failover)
    assert hardened.gnt("cluster", "getmaster").stdout.strip() == "node2"
    hardened.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node3", "three")
    hardened.lab.start(1)
    hardened.gnt("cluster", "redist-conf")
    hardened.gnt("cluster", "verify")
