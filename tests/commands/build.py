"""Small clusters, and nodes that answer facts, for tests of plans.

``cluster(…)`` makes a configuration; ``Nodes`` answers the calls that operations ask, as healthy
nodes would, apart from what a test says of them.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.hypervisor.base import Capabilities, Running
from gnt.model.codec import to_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import Cluster, Disk, Group, Instance, Network, Nic, Node, Signer
from gnt.query.facts import NodeFacts
from gnt.spec import Seen
from gnt.storage.base import Copy, History, Kernel, Space
from gnt.storage.plain.lvm import Physical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gnt.plan import Call, Plan
    from gnt.record import Record
    from gnt.spec import Operation

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"


def cluster(*more: Record, nodes: int = 3, **settings: Any) -> Config:
    """A cluster of ``nodes`` nodes and ``more``; node1 is the master, node1 to node3 candidates.

    Objects of ``more`` replace those of the same uuid.
    """
    things: dict[tuple[str, str], Record] = {}
    base = Cluster(
        uuid="c", cluster_name="cluster.example.com", master_node="n1",
        **{"enabled_hypervisors": ("fake", "kvm"),
           "enabled_disk_templates": ("sharedfile", "file", "diskless"),
           "login_keys": (f"{KEY}1 gnt@node1", f"{KEY}2 gnt@node2", f"{KEY}9 admin@desk"),
           **settings})
    made = [base, Group(uuid="g1", name="default"), *map(node, range(1, nodes + 1)),
            *(Signer(name=f"node{n}", key=f"{KEY}s{n}") for n in range(1, min(nodes, 3) + 1))]
    for thing in (*made, *more):
        things[path(thing)] = thing
    sections: dict[str, dict[str, Any]] = {}
    for (section, key), thing in things.items():
        sections.setdefault(section, {})[key] = to_data(thing)
    return Config(MemoryState(sections, term=1, serial=7, head="a" * 64))


def path(thing: Record) -> tuple[str, str]:
    from gnt.commands._edits import path

    section, _, key = path(thing).partition("/")
    return section, key


def node(number: int, **changes: Any) -> Node:
    """node1 to node3 are candidates."""
    return Node(**{
        "uuid": f"n{number}", "name": f"node{number}", "primary_ip": f"192.0.2.{number}",
        "secondary_ip": f"198.51.100.{number}", "group": "g1", "host_keys": (f"{KEY}hk{number}",),
        "master_candidate": number <= 3, **changes})


def instance(name: str, home: int = 1, **changes: Any) -> Instance:
    """A running instance without disks, with one NIC, on node ``home``."""
    nic = Nic(uuid=f"{name}-nic0", mac=f"aa:00:00:00:00:{len(name):02x}")
    return Instance(**{
        "uuid": f"i-{name}", "name": name, "primary_node": f"n{home}", "hypervisor": "fake",
        "admin_state": "up", "disks_active": True, "nics": (nic,), **changes})


def with_disk(inst: Instance, template: str = "sharedfile", size: int = 1024) -> tuple[Record, ...]:
    """The instance and one disk for it."""
    uuid = f"d-{inst.name}"
    folder = "/srv/gnt/shared-file-storage" if template == "sharedfile" else "/srv/gnt/file-storage"
    disk = Disk(uuid=uuid, dev_type=template, size=size, instance=inst.uuid, iv_name="disk/0",
                logical_id=("loop", f"{folder}/{inst.name}/{uuid}.raw"), nodes=(inst.primary_node,))
    return inst.replace(disk_template=template, disks=(uuid,)), disk


def on_volumes(inst: Instance, template: str, size: int = 1024) -> tuple[Record, ...]:
    """The instance with one disk in a volume group; the second copy of a mirrored one is on
    node2."""
    uuid = f"d-{inst.name}"
    disk = Disk(uuid=uuid, dev_type=template, size=size, instance=inst.uuid, iv_name="disk/0",
                logical_id=("xenvg", f"{uuid}.disk0"), nodes=(inst.primary_node,))
    inst = inst.replace(disk_template=template, disks=(uuid,))
    if template == "plain":
        return inst, disk
    nodes = (inst.primary_node, "n2")
    data, meta = (
        Disk(uuid=f"{uuid}-{kind}", dev_type="plain", size=mib, nodes=nodes,
             logical_id=("xenvg", f"{uuid}.disk0_{kind}")) for kind, mib in (
                 ("data", size), ("meta", 128)))
    mirror = disk.replace(nodes=nodes, logical_id=(*nodes, 11007, 0, 0, "s3cret"),
                          children=(data.uuid, meta.uuid))
    return inst, mirror, data, meta


def network(**changes: Any) -> Network:
    return Network(**{"uuid": "lan", "name": "lan", "network": "203.0.113.0/29",
                      "gateway": "203.0.113.1", **changes})


def small() -> Config:
    """web runs on node1 and can move, db is down on node2 and cannot; network lan is connected."""
    db = instance("db", 2, admin_state="down", disks_active=False)
    return cluster(
        *with_disk(instance("web")), *with_disk(db, "file"), network(),
        Group(uuid="g1", name="default", networks={"lan": {"mode": "bridged", "link": "br-lan"}}))


class Nodes:
    """Nodes that are healthy, but for ``silent`` ones; by default they run what they should."""

    def __init__(
        self, cfg: Config, *, silent: Iterable[str] = (), memory: Any = None,
        running: Any = None, answers: Any = None,
    ) -> None:
        self.cfg, self.silent = cfg, set(silent)
        self.memory = memory or {}  # node: MiB free
        self.running = running  # {node: instances}, or None: as the configuration says
        self.answers = answers or {}  # task name: answer

    def seen(self, calls: Iterable[Call[Any]]) -> Seen:
        return Seen({call.key: self.answer(call) for call in calls})

    def answer(self, call: Call[Any]) -> Any:
        if call.node in self.silent:
            return NodeFailed(call.node, "unreachable", "no route to host")
        for name in (f"{call.node}:{call.task}", call.task):
            if name in self.answers:
                return self.answers[name]
        return getattr(self, "_" + call.task.rpartition(".")[2])(call)

    def _node_facts(self, call: Call[Any]) -> NodeFacts:
        return NodeFacts(mtotal=16384, mfree=self.memory.get(call.node, 8192), ctotal=8, csockets=1,
                         cnodes=1, bootid="b")

    def _found(self, call: Call[Any]) -> tuple[Running, ...]:
        home = self.cfg.node(call.node)
        if self.running is None:
            here = [i for i in self.cfg.instances_on(home)
                    if i.admin_state == "up" and i.disks_active]
        else:
            here = [self.cfg.instance(name) for name in self.running.get(call.node, ())]
        return tuple(Running(name=i.name, uuid=i.uuid, memory=128, vcpus=1) for i in here
                     if call.task.startswith(f"hypervisor.{i.hypervisor}"))

    def _version(self, call: Call[Any]) -> Capabilities:
        return Capabilities(version="1")

    def _capabilities(self, call: Call[Any]) -> Capabilities:
        return Capabilities(version="7.2.9", runtime={"machine": "pc-i440fx-7.2", "accel": "tcg"})

    def _free_port(self, call: Call[Any]) -> int:
        return 8102

    def _space(self, call: Call[Any]) -> Space:
        return Space(kind="file", name="/srv", total=102400, free=51200)

    def _copies(self, call: Call[Any]) -> dict[int, Copy]:
        """Every mirrored disk is in use on both nodes, and whole."""
        node = self.cfg.node(call.node)
        found = {}
        for disk in self.cfg.found(Disk, "disk.node", node.uuid):
            inst = self.cfg.get(Instance, disk.instance)
            if inst is not None and inst.disks_active and disk.dev_type == "drbd":
                role = "Primary" if inst.primary_node == node.uuid else "Secondary"
                found[int(disk.logical_id[3 + disk.logical_id.index(node.uuid)])] = Copy(
                    link="Connected", role=role, here="UpToDate", there="UpToDate")
        return found

    def _history(self, call: Call[Any]) -> History:
        return History(newest="c0ffee")

    def _kernel(self, call: Call[Any]) -> Kernel:
        return Kernel(version="8.4.11", helper="/bin/true")

    def _physical(self, call: Call[Any]) -> tuple[Physical, ...]:
        return (Physical(name="/dev/sdb", size=1000, missing=False),)

    def _missing(self, call: Call[Any]) -> tuple[str, ...]:
        return tuple(link for link in call.args["bridges"] if not link.startswith("br"))

    def _inspect(self, call: Call[Any]) -> Any:
        from gnt.commands.node._setup import Host

        node = self.cfg.node(call.node)
        return Host(hostname=call.node, missing=(), member=True,
                    addresses=(node.primary_ip, node.secondary_ip, "192.0.2.77"))

    def _former(self, call: Call[Any]) -> tuple[str, ...]:
        return ()

    def _where(self, call: Call[Any]) -> dict[str, str]:
        return {call.args["ip"]: "eth0"} if call.node == self.cfg.master.name else {}

    def _keys(self, call: Call[Any]) -> Any:
        from gnt.commands.node._setup import PublicKeys

        return PublicKeys(login=f"{KEY}l gnt@{call.node}", signer=f"{KEY}s gnt@{call.node}")


    def _keyring(self, call: Call[Any]) -> Any:
        from gnt.checks.keys import Keys
        from gnt.model import access

        signer = self.cfg.get(Signer, call.node)
        lines = access.authorized(
            self.cfg.cluster.login_keys, self.cfg.nodes, hardened=self.cfg.cluster.hardened)
        return Keys(signer=access.plain(signer.key) if signer else "", open=(), ours=lines,
                    theirs=("ssh-rsa AAAA somebody@else",))

    def _addresses(self, call: Call[Any]) -> dict[str, tuple[str, int]]:
        node, cluster = self.cfg.node(call.node), self.cfg.cluster
        master = node.uuid == cluster.master_node and cluster.master_ip
        return {node.primary_ip: ("eth0", 24), node.secondary_ip: ("eth1", 24),
                **({cluster.master_ip: ("eth0", cluster.master_netmask)} if master else {})}

    def _look(self, call: Call[Any]) -> Any:
        from gnt.checks.neighbours import View

        other = self.cfg.found(Node, "node.primary_ip", call.args["address"])[0]
        return View(keys=() if other.name in self.silent else other.host_keys, silent=())

    def _usable(self, call: Call[Any]) -> str:
        return ""

    def _programs(self, call: Call[Any]) -> dict[str, str]:
        return dict.fromkeys(call.args["paths"], "5" * 64)

    def _hooks(self, call: Call[Any]) -> tuple[str, ...]:
        return ()

    def _locks(self, call: Call[Any]) -> tuple[Any, ...]:
        return ()

    def _leftovers(self, call: Call[Any]) -> tuple[str, ...]:
        return ()


def plan(operation: Operation, cfg: Config, nodes: Nodes | None = None) -> Plan:
    """The plan of an operation, with the facts that it asks for."""
    answering = nodes or Nodes(cfg)
    return operation.plan(cfg, answering.seen(operation.facts(cfg)))


def applied(cfg: Config, made: Plan) -> Config:
    """The configuration once the plan has ended."""
    data = {section: dict(objects) for section, objects in cfg.state.data.items()}
    for edit in (*made.start, *made.pivot, *made.end):
        section, _, key = edit.path.partition("/")
        if edit.value is None:
            data.setdefault(section, {}).pop(key, None)
        else:
            data.setdefault(section, {})[key] = edit.value
    return Config(MemoryState(data, term=cfg.term, serial=cfg.serial + 1, head="b" * 64))
