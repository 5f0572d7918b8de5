"""What scripts see of a real cluster: exit codes, and JSON of everything that lists or tells."""

from __future__ import annotations

import json

import pytest

from gnt.cli import find
from gnt.spec import Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gnt.spec import Command
    from tests.labs import Done
    from tests.story.conftest import Cluster

# the words of commands that need some; every other one that answers is called without
WORDS: dict[str, tuple[str, ...]] = {
    "cluster config cat": ("groups",),
    "cluster config diff": ("1", "2"),
    "cluster config show": ("2",),
    "cluster search-tags": ("a",),
    "cluster what-if": ("lose node1",),
    "group info": ("default",),
    "group list-tags": ("default",),
    "instance console": ("--show-cmd", "web"),
    "instance info": ("web",),
    "instance list-tags": ("web",),
    "network list-tags": ("lan",),
    "node list-tags": ("node1",),
    "job info": ("2",),
}
ACTIONS = (  # actions that answer, too
    "cluster config cat", "cluster config diff", "cluster config log", "cluster config show",
    "cluster config verify", "cluster verify", "cluster verify-disks", "cluster version",
    "context list", "instance console", "job info", "job list",
)


def answering() -> list[type[Command]]:
    every = [cls for noun in find.nouns() if noun != "htools" for cls in find.commands(noun)]
    return [cls for cls in every
            if issubclass(cls, Query) or f"{cls.noun} {cls.verb}" in ACTIONS]


@pytest.fixture(scope="module")
def small(new_cluster: Callable[[int], Cluster]) -> Cluster:
    """A cluster of one node with one of each thing; node2 is left to try things on."""
    made = new_cluster(2)
    made.gnt("network", "add", "--network", "192.0.2.0/24", "lan")
    made.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node1", "web")
    made.gnt("cluster", "add-tags", "a")
    return made


def test_everything_that_answers_answers_in_json(small: Cluster) -> None:
    bad = []
    for cls in answering():
        words = f"{cls.noun} {cls.verb}"
        done = small.gnt(*words.split(), *WORDS.get(words, ()), "--format", "json", status=None)
        try:
            json.loads(done.stdout)
        except json.JSONDecodeError:
            bad.append(f"{words}: {done.returncode} {done.stdout[:80]!r} {done.stderr[:300]}")
        if done.returncode:
            bad.append(f"{words}: {done.returncode} {done.stderr[:300]}")
    assert bad == []


def test_exit_codes(small: Cluster) -> None:
    """Those of jobs are in test_jobs; of lost majorities, old masters and full nodes elsewhere."""
    gnt = small.gnt

    def says(done: Done, problem: str, hint: str) -> None:
        assert problem in done.stderr and hint in done.stderr, done.stderr

    gnt("node", "list", status=0)
    says(gnt("instance", "info", "wob", status=1), "there is no instance wob", "hint")
    says(gnt("instance", "lits", status=2), "no command 'lits'", "did you mean")
    says(gnt("instance", "add", "-t", "diskless", "-B", "maxmem=x", "new", status=2),
         "maxmem", "--help")
    nowhere = small.lab.run("gnt", "node", "list", env={"HOME": "/root/nobody"}, status=5)
    says(nowhere, "no cluster", "gnt-cluster init")
    gnt("node", "modify", "-C", "no", "-f", "node2")
    gnt("node", "remove", "--yes", "node2")
    says(gnt("node", "add", "--yes", "-s", "198.51.100.7", "node2", status=12),
         "198.51.100.7", "hint")
    says(gnt("instance", "remove", "web", status=13), "Nobody is there", "--yes")
    says(gnt("node", "list", "-o", "nam", status=14), "no field 'nam'", "did you mean name")
    gnt("node", "add", "--yes", "node2")
    small.lab.kill(2)
    says(gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node2", "x", status=21),
         "node2", "hint")
    small.lab.start(2)
    gnt("cluster", "config", "export", "/root/audit")
    small.lab.run("sh", "-c", "sed -i s/root@/toor@/ /root/audit/records/2.toml")
    says(gnt("cluster", "config", "verify", "/root/audit", status=22), "txn.2", "hint")
    says(gnt("cluster", "config", "verify", "/root/audit", "--signer", "SHA256:no", status=23),
         "signer", "hint")


def test_one_that_cannot_be_started_does_not_keep_the_others_down(small: Cluster) -> None:
    gnt = small.gnt
    for name in ("one", "two", "three"):
        gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node1", "--no-start", name)
    gnt("instance", "modify", "--offline", "two")
    done = gnt("instance", "startup", "--force-multiple", "one", "two", "three", status=1)
    assert "startup two: " in done.stderr and "  hint: " in done.stderr
    assert done.stderr.endswith("1 of 3 failed: two\n")
    assert dict(small.listed("instance", "name,status", "one", "two", "three")) == {
        "one": "running", "two": "ADMIN_offline", "three": "running"}
    gnt("instance", "remove", "-f", "one")
    gnt("instance", "remove", "-f", "two")
    gnt("instance", "remove", "-f", "three")


FILE = ("instance", "add", "-t", "file", "-n", "node1", "new")
BARE = ("instance", "add", "-t", "diskless", "-n", "node1", "new")


@pytest.mark.parametrize(("words", "named"), [
    (("instance", "info", "wob"), ("no instance wob",)),
    (("instance", "info", "db"), ("db.east", "db.west")),
    (("instance", "add", "-t", "diskless", "-n", "node1", "web"), ("web", "already")),
    (("node", "add", "--yes", "node1"), ("node1", "already")),
    ((*FILE, "-s", "12x"), ("12x", "size")),
    ((*FILE, "--disk", "0:size=-1"), ("-1", "size")),
    ((*FILE, "--disk", "0:size=1g,sice=1g"), ("sice",)),
    ((*BARE, "-B", "vcpus=0"), ("vcpus", "1")),
    ((*BARE, "-B", "colour=blue"), ("colour",)),
    ((*BARE, "-H", "kvm:migration_downtime=x"), ("migration_downtime", "whole number")),
    ((*BARE, "-H", "kvm:serial_speed=1"), ("serial_speed", "9600", "115200")),
    ((*BARE, "-H", "kvm:disk_type=floppy-disk"), ("disk_type", "paravirtual")),
    ((*BARE, "-H", "zen"), ("zen",)),
    ((*BARE, "--net", "0:ip=192.0.2.999"), ("192.0.2.999",)),
    ((*BARE, "-B", "memory=1m"), ("policy", "128")),
    ((*FILE, "-s", "900g"), ("new needs", "MiB")),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_bad_input_is_named_with_what_is_allowed(
    small: Cluster, words: tuple[str, ...], named: tuple[str, ...],
) -> None:
    if "db" in words:
        for name in ("db.east", "db.west"):
            small.gnt("instance", "add", "-t", "diskless", "-H", "fake", "-n", "node1", name)
    refused = small.gnt(*words, status=None)
    assert refused.returncode in (1, 2, 25), refused.stderr
    assert refused.stdout == ""
    assert all(word in refused.stderr for word in named), refused.stderr
    assert "Traceback" not in refused.stderr and "unexpected" not in refused.stderr
