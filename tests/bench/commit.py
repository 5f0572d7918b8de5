"""What a commit costs: ``python tests/bench/commit.py`` prints ratios, measured in one run.

For each size: a cluster of three candidates on this machine (one ``LocalCandidate`` as the master,
two shells), and a whole process that changes one instance: start, state, turn, signature, majority,
fdatasync, cache; it begins and ends as ``gnt.cli.main`` does.  CPU times are user + system of that
process and its children, best of several.
"""

from __future__ import annotations

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import figures
from figures import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROOT = figures.ROOT
sys.path[:0] = [str(ROOT / "tests" / "config")]
PACKAGES = [path for path in sys.path if "site-packages" in path]
PREPARE = f"import sys; sys.path[:0] = {[str(ROOT), *PACKAGES]!r}\n"
CHANGE = "import gc\ngc.disable()\n" + PREPARE + """
import os
from gnt.config.candidate import LocalCandidate
from gnt.config.disk import Disk
from gnt.config.record import Author
from gnt.config.remote import RemotePeers
from gnt.config.disk import CacheDisk
from gnt.config.replica import Replica
from gnt.config.signature import read_key
from gnt.config.sqlite_state import SqliteState
from gnt.config.store import SignedStore
from gnt.config.trust import Pin
from gnt.engine.ports import Change
from gnt.model.codec import to_data
from gnt.plan import Edit
place = sys.argv[1]
replica = Replica(CacheDisk(place + "/copy/config"), SqliteState(place + "/copy/state.sqlite"),
                  Pin(signers=()))
peers = RemotePeers(None, {"n1": LocalCandidate(Disk(place + "/n1/gnt/config"))})
store = SignedStore(peers, replica, Author("root@bench", lambda: read_key(place + "/key")))
def make(cfg):
    instance = cfg.instance("instance17")
    changed = instance.replace(serial_no=instance.serial_no + 1, beparams={"vcpus": 3})
    return Change(edits=(Edit(path="instances/" + instance.uuid, value=to_data(changed)),),
                  operation="instance modify")
store.commit(make)
os._exit(0)
"""
LOAD = PREPARE + """
import time
from gnt.config.memory_state import FollowingState
from gnt.config.disk import CacheDisk
from gnt.config.replica import Replica
from gnt.config.trust import Pin
replica = Replica(CacheDisk(sys.argv[1] + "/copy/config"), FollowingState(), Pin(signers=()))
start = time.perf_counter()
assert replica.open()
print(time.perf_counter() - start)
"""


def cluster_data(count: int, public: str) -> dict[str, dict[str, dict[str, object]]]:
    """``count`` mirrored instances with two disks and one or two NICs, 20 to a node."""
    nodes = [f"{n:08}-0000-4000-8000-000000000001" for n in range(max(3, count // 20))]
    data: dict[str, dict[str, dict[str, object]]] = {
        "cluster": {"cluster": {"uuid": "bench", "cluster_name": "bench",
                                "master_node": nodes[0]}},
        "groups": {"g": {"uuid": "g", "name": "default"}},
        "nodes": {uuid: {"uuid": uuid, "name": f"n{i + 1}", "group": "g",
                         "primary_ip": f"10.{i // 250}.{i % 250}.1",
                         "secondary_ip": f"10.{i // 250}.{i % 250}.2",
                         "master_candidate": i == 0} for i, uuid in enumerate(nodes)},
        "instances": {}, "disks": {},
        "signers": {"bench": {"name": "bench", "key": public}},
    }
    for i in range(count):
        uuid = f"{i:08}-1111-4000-8000-000000000002"
        disks = [f"{i:08}-2222-4000-8000-00000000000{d}" for d in range(2)]
        pair = [nodes[i % len(nodes)], nodes[(i * 7 + 1) % len(nodes)]]
        for number, disk in enumerate(disks):
            data["disks"][disk] = {"uuid": disk, "dev_type": "file", "size": 10240,
                                   "instance": uuid, "iv_name": f"disk/{number}", "nodes": pair,
                                   "logical_id": ["loop", f"/srv/gnt/{uuid}/{disk}"]}
        data["instances"][uuid] = {
            "uuid": uuid, "name": f"instance{i}", "primary_node": pair[0], "os": "debian+bookworm",
            "hvparams": {"kernel_path": "/vmlinuz"}, "beparams": {"maxmem": 2048, "vcpus": 2},
            "admin_state": "up", "disks": disks, "disk_template": "file", "network_port": 11000 + i,
            "nics": [{"uuid": f"{uuid}-{n}", "mac": f"aa:{n:02x}:00:{i >> 16 & 255:02x}:"
                      f"{i >> 8 & 255:02x}:{i & 255:02x}", "nicparams": {"link": "br0"}}
                     for n in range(1 + i % 2)]}
    return data


def cpu(code: str, *words: str, times: int = 15) -> float:
    """The least CPU seconds of a whole process."""
    best = 1e9
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code, *words], check=True,
                              capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def prepare(place: str, count: int) -> None:
    """A cluster on disk with a copy as a driver has it."""
    from gnt.config import signature
    from gnt.config.candidate import LocalCandidate
    from gnt.config.columns import save_columns
    from gnt.config.disk import CacheDisk, Disk
    from gnt.config.record import Author
    from gnt.config.remote import RemotePeers
    from gnt.config.replica import Replica
    from gnt.config.sqlite_state import SqliteState
    from gnt.config.store import SignedStore
    from gnt.config.trust import Pin

    os.makedirs(place + "/copy/config", 0o700)
    key = signature.make_key(place + "/key")
    replica = Replica(CacheDisk(place + "/copy/config"), SqliteState(place + "/copy/state.sqlite"),
                      Pin(signers=(key.public,)))
    peers = RemotePeers(None, {"n1": LocalCandidate(Disk(place + "/n1/gnt/config"))})
    store = SignedStore(peers, replica, Author("root@bench", lambda: key))
    config = store.create(cluster_data(count, key.public), "n1")
    columns = {"name": [f"instance{i}" for i in range(count)], "pnode": ["n1"] * count,
               "admin_state": ["up"] * count}
    save_columns(place + "/copy", "instance", config.head, columns)


def bytes_to_candidates() -> tuple[int, int, int]:
    """Round trips after the turn, bytes to another candidate, bytes to the master."""
    from chains import CLUSTER, KEY
    from clusters import Cluster

    from gnt.engine.ports import Change
    from gnt.plan import Edit

    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(pathlib.Path(folder), kind="remote")
        data = cluster_data(40, KEY.public)
        for node in list(data["nodes"].values())[:3]:
            node["master_candidate"] = True
        data["cluster"]["cluster"]["uuid"] = CLUSTER
        cluster.create(data)
        peers = cluster.peers()
        store = cluster.driver(peers=peers)
        store.read()
        store.hold_turn()
        sent = {name: peers.shells.sent(name) for name in ("n1", "n2")}
        trips = peers.shells.trips
        (key, thing), *_ = data["instances"].items()
        store.commit(lambda _: Change(edits=(Edit(path=f"instances/{key}", value={
            **thing, "serial_no": 2}),), operation="instance modify"))
        result = (peers.shells.trips - trips, peers.shells.sent("n2") - sent.get("n2", 0),
                  peers.shells.sent("n1") - sent["n1"])
        cluster.close()
        return result


def main() -> int:
    return figures.run(bench)


def bench() -> list[dict[str, Any]]:
    """Bare starts are measured between the rest."""
    bare = [cpu("pass", times=25)]
    rows = []
    spent = {}
    for count in (4000, 40000):
        place = tempfile.mkdtemp(prefix="gnt-config-bench-")
        try:
            start = time.perf_counter()
            prepare(place, count)
            made = time.perf_counter() - start
            spent[count] = cpu(CHANGE, place)
            bare.append(cpu("pass", times=25))
            print(f"change one of {count:6} instances         {spent[count] * 1e3:8.1f} ms CPU  "
                  f"(made in {made:.1f} s)")
            load = min(float(subprocess.run(
                [sys.executable, "-I", "-S", "-c", LOAD, place], check=True, capture_output=True,
                text=True).stdout) for _ in range(3))
            rows.append(figure(f"full load of {count} instances without caches", load, "s",
                               most=1.0 if count == 4000 else None))
        finally:
            shutil.rmtree(place)
    floor = min(bare)
    trips, other, master = bytes_to_candidates()
    return [
        *(figure(f"change one of {count} instances, CPU against a bare Python", cost / floor, "×",
                 most=4.5, note=f"{cost * 1e3:.1f} / {floor * 1e3:.1f} ms")
          for count, cost in spent.items()),
        figure("40,000 instances against 4,000", spent[40000] / spent[4000], "×", most=1.2),
        figure("round trips after the turn", trips, most=2),
        figure("sent to another candidate", other, "bytes", most=4096),
        figure("sent to the master", master, "bytes", most=4096),
        *rows,
    ]


if __name__ == "__main__":
    sys.exit(main())
