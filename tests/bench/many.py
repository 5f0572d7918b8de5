"""Looking at 200 nodes and 4,000 instances: ``make bench-many`` (root; 5 minutes).

A lab of 200 nodes, each with its own sshd; 20 instances on each, with a disk (fake hypervisor, file
disks).  Wall time and memory of a whole ``gnt-cluster verify``, with all its checks.

``GNT_NODES=20`` makes a smaller one.
"""

from __future__ import annotations

import os
import re
import sys

import figures
from figures import figure

from tests import labs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NODES = int(os.environ.get("GNT_NODES", "200"))
EACH = 20  # instances on a node
RECORD = """
import sys
from gnt.engine.quiet import Quiet
from gnt.engine.ports import Change
from gnt.model.codec import to_data
from gnt.model.objects import Disk, Instance, Nic
from gnt.plan import Edit
from gnt.session import Session
from gnt.spec import Settings

def objects(cfg):
    for n, node in enumerate(cfg.nodes):
        for i in range(int(sys.argv[1])):
            name, uuid = f"{node.name}-{i}", f"00000000-0000-4000-8000-{n:06d}{i:06d}"
            path = f"/srv/gnt/file-storage/{name}/disk.raw"
            disk = Disk(uuid=uuid.replace("8000", "9000"), dev_type="file", size=1024,
                        instance=uuid, iv_name="disk/0", logical_id=("loop", path),
                        nodes=(node.uuid,))
            yield "instances/" + uuid, Instance(
                uuid=uuid, name=name, primary_node=node.uuid, hypervisor="fake",
                admin_state="up", disks_active=True, disk_template="file", disks=(disk.uuid,),
                nics=(Nic(uuid=uuid.replace("8000", "a000"),
                          mac=f"aa:00:00:{n:02x}:00:{i:02x}"),))
            yield "disks/" + disk.uuid, disk
            print(node.name, uuid, name)

def change(cfg):
    return Change(edits=tuple(Edit(path=path, value=to_data(thing)) for path, thing in
                              objects(cfg)), operation="instance add")

session = Session(Settings(), Quiet())
session.config()
session.ledger._store().commit(change)
"""
START = """
mkdir -p /run/gnt/fake
while read -r uuid name; do
    echo "running 128 1 $name" >"/run/gnt/fake/$uuid"
    mkdir -p "/srv/gnt/file-storage/$name"
    truncate -s 1G "/srv/gnt/file-storage/$name/disk.raw"
done
"""
TIME = """
import os, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.stdout, file=sys.stderr)
print(done.returncode, time.perf_counter() - start, usage.ru_utime + usage.ru_stime,
      usage.ru_maxrss / 1024)
"""


def cluster() -> labs.Lab:
    lab = labs.make("bench-many", NODES)
    lab.run("gnt-cluster", "init", "--yes", "--master", "node1", "--enabled-hypervisors", "fake",
            "--enabled-disk-templates", "file", "-C", "3", "bench")
    for number in range(2, NODES + 1):
        lab.run("gnt-node", "add", "--yes", f"node{number}")
    said = lab.run(sys.executable, "-c", RECORD, str(EACH), timeout=600).stdout
    lines = [line.partition(" ") for line in said.splitlines()]
    for number in range(1, NODES + 1):
        own = "".join(f"{rest}\n" for name, _, rest in lines if name == f"node{number}")
        lab.on(number, "sh", "-c", START, stdin=own)
    return lab


def bench() -> list[dict[str, Any]]:
    lab = cluster()
    try:
        tries = [lab.run(sys.executable, "-c", TIME, "gnt-cluster", "verify", timeout=600)
                 for _ in range(3)]
    finally:
        lab.down()
    wall, cpu, memory = min(tuple(map(float, one.stdout.split()[1:])) for one in tries)
    count = NODES * EACH
    for one in tries:  # all of it: an answer of every node
        assert re.search(r"\d+ errors|Nothing is wrong", one.stderr), one.stderr
        assert not re.search("no connection|could not look", one.stderr), one.stderr
    return [
        figure(f"gnt-cluster verify, {NODES} nodes, {count} instances", wall, "s", most=60,
               note=f"best of 3, on two cores also for the {NODES} nodes"),
        figure("its CPU time", cpu, "s"),
        figure("its memory", memory, "MB", most=300),
    ]


if __name__ == "__main__":
    sys.exit(figures.run(bench))
