"""A second admin comes with nothing but a home of their own, is let in, and is shut out again."""

from __future__ import annotations

import re
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.labs import Done
    from tests.story.conftest import Cluster

HOME = "/root/bob"


def test_a_second_admin_joins_with_two_commands(cluster: Cluster) -> None:
    def bob(*words: str, status: int | None = 0) -> Done:
        return cluster.lab.run("gnt", *words, status=status, env={"HOME": HOME})

    def let_in(key: str) -> list[bool]:
        files = [cluster.lab.on(n, "cat", "/root/.ssh/authorized_keys").stdout for n in (1, 2, 3)]
        return [key in file for file in files]

    cluster.lab.run("mkdir", HOME)
    shown = cluster.lab.on(
        1, "sh", "-c", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2")
    host_key = shown.stdout.strip()
    listed = re.findall(r"SHA256:[^ ,\n]+", cluster.gnt("cluster", "signer", "list").stdout)
    join = ["context", "join", "demo", "node1", "--ssh-host-key", host_key]
    join += [word for signer in listed for word in ("--signer", signer)]

    refused = bob(*join, status=23)
    line = re.search(r"gnt-cluster signer add (\S+) '(ssh-ed25519 \S+)'", refused.stderr)
    assert line, refused.stderr
    assert "node1 does not let you in yet" in refused.stderr
    assert bob("context", "list", "--format", "json").stdout.strip() == "[]"

    key = line[2]
    assert let_in(key) == [False, False, False]
    cluster.gnt("cluster", "signer", "add", "bob", key)
    assert let_in(key) == [True, True, True]
    bob(*join)

    assert "node1" in bob("node", "list").stdout
    bob("cluster", "add-tags", "from-bob")
    assert cluster.gnt("cluster", "list-tags").stdout == "from-bob\n"
    newest = cluster.gnt("cluster", "config", "log", "-n", "1", "--format", "json").stdout
    assert '"bob"' in newest
    bob("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", "bobs")
    bob("instance", "remove", "-f", "bobs")
    assert "bob" not in cluster.gnt("cluster", "verify").stdout
    an_auditor_checks(cluster)
    bob("cluster", "remove-tags", "from-bob")

    cluster.gnt("cluster", "signer", "remove", "bob")
    assert let_in(key) == [False, False, False]
    denied = bob("cluster", "add-tags", "again", status=None)
    assert denied.returncode and "refused the login" in denied.stderr
    assert cluster.gnt("cluster", "list-tags").stdout == ""


def an_auditor_checks(cluster: Cluster) -> None:
    """Without a cluster or a context, and with OpenSSH alone; two admins and nodes have signed."""
    page = Path(__file__).parent.parent.parent / "man/prose/cluster.rst"
    lines = page.read_text().split("cd /root/audit\n")[1].split("\n\n")[0]
    cluster.gnt("cluster", "config", "export", "/root/audit")
    home = {"HOME": "/root/auditor"}
    done = cluster.lab.run("gnt", "cluster", "config", "verify", "/root/audit", env=home)
    assert "transactions" in done.stdout
    said = cluster.lab.run("sh", "-c", f"cd /root/audit\n{lines}").stdout.splitlines()
    count = int(cluster.lab.run("sh", "-c", "ls /root/audit/*/*.sig | wc -l").stdout)
    assert len(said) == count > 5
    assert all(line.startswith('Good "gnt-config" signature for ') for line in said)
    assert {line.split()[4] for line in said} >= {"bob", "root@admin.lab"}


CAROL = """
mkdir -p ~/.ssh && cd && ssh-keygen -q -t ed25519 -N secret -f .ssh/id_ed25519
printf '#!/bin/sh\\necho secret\\n' >ask && chmod +x ask
eval "$(ssh-agent -a ~/agent)" >/dev/null && echo "$SSH_AGENT_PID"
SSH_ASKPASS=~/ask SSH_ASKPASS_REQUIRE=force ssh-add -q .ssh/id_ed25519 </dev/null
"""


def test_an_admin_s_key_stays_in_the_agent(cluster: Cluster) -> None:
    home = "/root/carol"
    cluster.lab.run("mkdir", home)
    pid = cluster.lab.run("sh", "-c", CAROL, env={"HOME": home}).stdout.strip()

    def carol(*words: str, status: int | None = 0) -> Done:
        return cluster.lab.run("gnt", *words, status=status,
                               env={"HOME": home, "SSH_AUTH_SOCK": f"{home}/agent"})

    try:
        key = cluster.lab.run("cat", f"{home}/.ssh/id_ed25519.pub").stdout
        cluster.gnt("cluster", "signer", "add", "carol", key)
        carol("context", "join", "demo", "node1", "--yes")
        carol("cluster", "add-tags", "signed-by-agent")
        newest = cluster.gnt("cluster", "config", "log", "-n", "1", "--format", "json").stdout
        assert '"carol"' in newest
        assert cluster.lab.run("ls", f"{home}/.config/gnt/", status=0).stdout.count("keys") == 0
        carol("context", "use", "--signing-key", f"{home}/.ssh/id_ed25519.pub", "demo")
        carol("cluster", "remove-tags", "signed-by-agent")
        refused = carol("context", "use", "--signing-key", f"{home}/none", "demo", status=None)
        assert refused.returncode and "none" in refused.stderr
    finally:
        cluster.lab.run("kill", pid)
    gone = carol("cluster", "add-tags", "x", status=None)
    assert gone.returncode and "ssh-agent" in gone.stderr
