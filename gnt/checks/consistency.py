"""The configuration by itself: nothing refers to what is not there, nothing is given twice."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.errors import GntError
from gnt.model import inherit
from gnt.model.objects import Disk, Group, Instance, Network, Node
from gnt.net.base import nic_mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gnt.model.config import Config
    from gnt.record import Record
    from gnt.spec import Seen


FAMILIES: Mapping[str, type[Record]] = {
    "beparams": inherit.BackendParams, "nicparams": inherit.NicParams,
    "ndparams": inherit.NodeParams,
}


class Consistency(Check):
    codes = ("ECLUSTERCFG", "ECLUSTERDANGLINGNODES", "ECLUSTERDANGLINGINST",
             "EINSTANCEMISSINGCFGPARAMETER", "EINSTANCEUNSUITABLENODE", "EINSTANCEBADNODE",
             "EINSTANCESPLITGROUPS", "EINSTANCELAYOUT")
    asks = False

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        yield from _cluster(cfg)
        for node in cfg.nodes:
            if cfg.get(Group, node.group) is None:
                yield Finding(code="ECLUSTERDANGLINGNODES", kind="node", name=node.name,
                              message=f"its group {node.group} does not exist")
        for inst in cfg.instances:
            if cfg.get(Node, inst.primary_node) is None:
                yield Finding(code="ECLUSTERDANGLINGINST", kind="instance", name=inst.name,
                              message=f"its node {inst.primary_node} does not exist")
            else:
                yield from _instance(cfg, inst)
                yield from _spread(cfg, inst)
        yield from _disks(cfg)
        yield from _twice(cfg)


def _cluster(cfg: Config) -> Iterator[Finding]:
    cluster = cfg.cluster

    def bad(message: str, *, warning: bool = False) -> Finding:
        return Finding(code="ECLUSTERCFG", kind="cluster", name=cluster.cluster_name,
                       message=message, warning=warning)

    if cfg.get(Node, cluster.master_node) is None:
        yield bad(f"the master {cluster.master_node} does not exist")
    elif not cfg.master.master_candidate:
        yield bad(f"the master {cfg.master.name} is no master candidate")
    able = [node for node in cfg.nodes if node.master_capable and not node.offline
            and not node.drained]
    wanted = min(cluster.candidate_pool_size, len(able))
    if len(cfg.candidates) < wanted:
        yield bad(f"there are {len(cfg.candidates)} master candidates, there should be {wanted}",
                  warning=True)
    if not cfg.signers:
        yield bad("nobody may sign changes")
    for name, kind in FAMILIES.items():
        unknown = set(getattr(cluster, name)) - set(kind.FIELDS)
        yield from (bad(f"{name}: there is no parameter {parameter}")
                    for parameter in sorted(unknown))


def _instance(cfg: Config, inst: Instance) -> Iterator[Finding]:
    def bad(message: str) -> Finding:
        return Finding(code="EINSTANCEMISSINGCFGPARAMETER", kind="instance", name=inst.name,
                       message=message)

    node = cfg.one(Node, inst.primary_node)
    group = cfg.get(Group, node.group)
    for disk in inst.disks:
        if cfg.get(Disk, disk) is None:
            yield bad(f"its disk {disk} does not exist")
    try:
        inherit.backend(cfg, inst)
        for nic in inst.nics:
            nic_mode(inherit.nic(cfg, nic, group).mode)
    except GntError as error:
        yield bad(error.message)
    for nic in inst.nics:
        if nic.network and cfg.get(Network, nic.network) is None:
            yield bad(f"its network {nic.network} does not exist")
    if not node.vm_capable:
        yield Finding(code="EINSTANCEUNSUITABLENODE", kind="instance", name=inst.name,
                      message=f"{node.name} is not vm-capable")
    if node.offline and inst.admin_state == "up":
        yield Finding(code="EINSTANCEBADNODE", kind="instance", name=inst.name,
                      message=f"it should run on {node.name}, which is marked offline")


def _spread(cfg: Config, inst: Instance) -> Iterator[Finding]:
    """The nodes with a copy of the instance's disks, besides its home."""
    held = {uuid for key in inst.disks if (disk := cfg.get(Disk, key)) for uuid in disk.nodes}
    others = [node for uuid in sorted(held - {inst.primary_node}) if (node := cfg.get(Node, uuid))]
    if len(others) > 1:
        yield Finding(code="EINSTANCELAYOUT", kind="instance", name=inst.name,
                      message="has disks on more than one other node: "
                              + ", ".join(node.name for node in others))
    group = cfg.one(Node, inst.primary_node).group
    for node in others:
        if node.group != group:
            yield Finding(code="EINSTANCESPLITGROUPS", kind="instance", name=inst.name,
                          message=f"{node.name}, which has its disks, is in another group than "
                                  "its home")


def _disks(cfg: Config) -> Iterator[Finding]:
    used = {uuid for inst in cfg.instances for uuid in inst.disks}
    children = {uuid for disk in cfg.all(Disk) for uuid in disk.children}
    for disk in cfg.all(Disk):
        if disk.uuid not in used | children:
            yield Finding(code="ECLUSTERCFG", kind="cluster", name=cfg.cluster.cluster_name,
                          message=f"disk {disk.uuid} belongs to no instance")


def _twice(cfg: Config) -> Iterator[Finding]:
    """MAC addresses and ports that two instances have; addresses, within a network or of nodes."""
    owners: dict[tuple[str, object], str] = {}
    for node in cfg.nodes:
        for address in {node.primary_ip, node.secondary_ip}:
            other = owners.setdefault(("node's address", address), node.name)
            if other != node.name:
                yield Finding(code="ECLUSTERCFG", kind="node", name=node.name,
                              message=f"{other} has the address {address}, too")
    for inst in cfg.instances:
        taken: list[tuple[str, object]] = [("MAC address", nic.mac) for nic in inst.nics]
        taken += [("address", f"{nic.ip} in network {nic.network}") for nic in inst.nics
                  if nic.ip and nic.network]
        taken += [("port", inst.network_port)] if inst.network_port else []
        for what in taken:
            other = owners.setdefault(what, inst.name)
            if other != inst.name:
                yield Finding(code="ECLUSTERCFG", kind="instance", name=inst.name,
                              message=f"{other} has the {what[0]} {what[1]}, too")


CHECK = Consistency()
