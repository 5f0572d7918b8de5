"""Several admins, each with a key of their own, work at once: nothing is lost, nobody is stuck.

``GNT_ADMINS`` sets how many, ``GNT_ADMIN_HOSTS`` how many of them sit at a node of their own (the
others have homes on one host), ``GNT_ADMIN_OPERATIONS`` how much each does at least and
``GNT_ADMIN_SECONDS`` for how long, ``GNT_SEED`` what.  Ten minutes of eight on eight hosts:
``GNT_ADMINS=8 GNT_ADMIN_HOSTS=7 GNT_ADMIN_SECONDS=600 pytest tests/story/test_admins.py``.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from tests.story.test_faults import NODE_PYTHON, visible_to_nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.labs import Done
    from tests.story.conftest import Cluster

ADMINS = int(os.environ.get("GNT_ADMINS", "4"))
OPERATIONS = int(os.environ.get("GNT_ADMIN_OPERATIONS", "4"))
HOSTS = int(os.environ.get("GNT_ADMIN_HOSTS", "2"))
SECONDS = float(os.environ.get("GNT_ADMIN_SECONDS", "0"))
SEED = int(os.environ.get("GNT_SEED", "1"))
NODES = ("node1", "node2", "node3")  # where instances are
SHARED = "shared"  # the instance that everybody changes


class Admin:
    """One person: a home and a signing key, or a node, and what was acknowledged to them.

    ``memory``: of each instance that is theirs; ``marks``: tags that they have put, by object.
    """

    def __init__(self, cluster: Cluster, number: int, installed: Path) -> None:
        self.cluster, self.number, self.installed = cluster, number, installed
        self.home = f"/root/admin{number}"
        self.chance = random.Random(f"{SEED} {number}")
        self.memory: dict[str, int] = {}
        self.homes: dict[str, str] = {}
        self.marks: dict[str, set[str]] = {"cluster": set(), SHARED: set()}
        self.failed: list[str] = []
        self.count = 0

    def gnt(self, *words: str, status: int | None = 0) -> Done:
        if self.number <= HOSTS:
            return self.cluster.lab.on(
                self.number, "env", f"PYTHONPATH={self.installed}", *NODE_PYTHON, *words,
                status=status)
        return self.cluster.lab.run("gnt", *words, status=status, env={"HOME": self.home})

    def arrive(self, host_key: str, signer: str) -> None:
        """Get to know the cluster, and be let in by the first admin; candidates are already."""
        if self.number <= HOSTS:
            return
        join = ("context", "join", "demo", "node1", "--ssh-host-key", host_key, "--signer", signer)
        self.cluster.lab.run("mkdir", self.home)
        self.gnt(*join, status=23)  # makes a key, and says what another admin is to type
        self.cluster.gnt("cluster", "signer", "add", f"admin{self.number}",
                         f"{self.home}/.config/gnt/keys/signer.pub")
        self.gnt(*join)

    def work(self, until: float) -> None:
        while self.count < OPERATIONS or time.monotonic() < until:
            self.count += 1
            deeds = [self.add, self.mark_cluster, self.mark_shared]
            if self.memory:
                deeds += [self.modify, self.migrate, self.remove]
            self.chance.choice(deeds)()

    def one(self) -> str:
        return self.chance.choice(sorted(self.memory))

    def did(self, *words: str) -> bool:
        done = self.gnt(*words, status=None)
        if done.returncode:
            self.failed.append(f"admin{self.number}: {' '.join(words)}: {done.stderr}")
        return not done.returncode

    def add(self) -> None:
        name, node = f"a{self.number}-{self.count}", self.chance.choice(NODES)
        if self.did("instance", "add", "-t", "diskless", "-H", "fake", "-n", node, "-B",
                    "memory=128m", "--ignore-ipolicy", name):
            self.memory[name], self.homes[name] = 128, node

    def modify(self) -> None:
        name = self.one()
        other = [size for size in (128, 192, 256) if size != self.memory[name]]
        size = self.chance.choice(other)
        if self.did("instance", "modify", "-B", f"memory={size}m", name):
            self.memory[name] = size

    def migrate(self) -> None:
        name = self.one()
        target = self.chance.choice([node for node in NODES if node != self.homes[name]])
        if self.did("instance", "migrate", "--yes", "-n", target, name):
            self.homes[name] = target

    def remove(self) -> None:
        name = self.one()
        if self.did("instance", "remove", "--yes", name):
            del self.memory[name], self.homes[name]

    def mark_cluster(self) -> None:
        self.mark("cluster", "cluster", "add-tags", f"admin{self.number}.{self.count}")

    def mark_shared(self) -> None:
        self.mark(SHARED, "instance", "add-tags", SHARED, f"admin{self.number}.{self.count}")

    def mark(self, thing: str, *words: str) -> None:
        if self.did(*words):
            self.marks[thing].add(words[-1])


@pytest.fixture(scope="module")
def crowded(new_cluster: Callable[[int], Cluster]) -> Cluster:
    return new_cluster(max(3, HOSTS))


@pytest.fixture(scope="module")
def admins(crowded: Cluster) -> list[Admin]:
    """They have worked, all at once, and what they gave was done."""
    crowded.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node1", SHARED)
    lines = crowded.lab.on(
        1, "sh", "-c", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2").stdout
    signers = crowded.gnt("cluster", "signer", "list").stdout
    first = next(line for line in signers.splitlines() if "root@admin" in line)
    signer = next(word for word in first.split() if word.startswith("SHA256:"))
    installed = visible_to_nodes()
    made = [Admin(crowded, number, installed) for number in range(1, ADMINS + 1)]
    for admin in made:
        admin.arrive(lines.strip(), signer)
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=admin.work, args=(until,)) for admin in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 60 * OPERATIONS)
    assert [thread for thread in threads if thread.is_alive()] == []
    assert [text for admin in made for text in admin.failed] == []
    return made


def require_all(cluster: Cluster, admins: list[Admin]) -> None:
    """Everything that was acknowledged is there, and nothing else; all jobs have ended."""
    wanted = {name: [admin.homes[name], size] for admin in admins
              for name, size in admin.memory.items()}
    found = {name: [node.partition(".")[0], memory] for name, node, memory in cluster.listed(
        "instance", "name,pnode,be/maxmem") if name != SHARED}
    assert found == wanted
    assert {status for (status,) in cluster.listed("instance", "status")} == {"running"}
    for thing, words in (("cluster", ("cluster", "list-tags")),
                         (SHARED, ("instance", "list-tags", SHARED))):
        tags = set(cluster.gnt(*words).stdout.split())
        assert tags == {tag for admin in admins for tag in admin.marks[thing]}
    assert {status for (status,) in cluster.listed("job", "status")} <= {"success"}
    cluster.gnt("cluster", "config", "verify")
    heads = {cluster.lab.on(host.number, "cat", "/var/lib/gnt/config/head").stdout
             for host in cluster.lab.hosts}
    assert len(heads) == 1


def test_admins_at_once_lose_no_update_and_all_jobs_end(
    crowded: Cluster, admins: list[Admin],
) -> None:
    require_all(crowded, admins)


def test_what_they_would_have_lost_is_noticed(crowded: Cluster, admins: list[Admin]) -> None:
    """A tag too many or too few, an instance that changed, stopped or came, a candidate behind."""
    spoil = [
        (("cluster", "add-tags", "nobody"), ("cluster", "remove-tags", "nobody")),
        (("instance", "shutdown", SHARED), ("instance", "startup", SHARED)),
        (("instance", "add", "-t", "diskless", "-H", "fake", "--ignore-ipolicy", "-n", "node1",
          "nobody"), ("instance", "remove", "--yes", "nobody")),
    ]
    for spoils, mends in spoil:
        crowded.gnt(*spoils)
        with pytest.raises(AssertionError):
            require_all(crowded, admins)
        crowded.gnt(*mends)
    require_all(crowded, admins)
    kept = crowded.lab.on(2, "cat", "/var/lib/gnt/config/head").stdout
    crowded.gnt("instance", "shutdown", SHARED)
    crowded.gnt("instance", "startup", SHARED)
    crowded.lab.on(2, "sh", "-c", "cat >/var/lib/gnt/config/head", stdin=kept)
    with pytest.raises(AssertionError):
        require_all(crowded, admins)
    crowded.gnt("cluster", "redist-conf")
    require_all(crowded, admins)
