"""gnt-cluster activate-master-ip."""

from __future__ import annotations

from gnt.commands.cluster import _master_ip
from gnt.plan import Plan, Step
from gnt.spec import Holds, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Node
    from gnt.plan import Call
    from gnt.spec import Seen


class ActivateMasterIp(Operation, command="cluster activate-master-ip"):
    """Set the master's address on the master, and take it away wherever else it is.

    Failover does this by itself.  A node that does not answer may still have the address; it is
    named.
    """

    hook = "master-ip-turnup"
    examples = (("gnt-cluster activate-master-ip", "after somebody took it away by hand"),)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/cluster",))

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        ip = _master_ip.require(cfg).master_ip
        return (_master_ip.where.on(node.name, ip) for node in cfg.online())

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        cluster = _master_ip.require(cfg)
        master = cfg.master.name
        attempt, notes = [], []
        for node in cfg.online():
            call = _master_ip.where.on(node.name, cluster.master_ip)
            failed = seen.failed(call)
            if failed is not None:
                notes.append(f"{node.name} does not answer ({failed.problem}): "
                             f"it may have {cluster.master_ip}, too")
                continue
            for ip in seen[call]:
                if ip != cluster.master_ip:  # it was renamed while this node was away
                    attempt.append(Step(do=_master_ip.down.on(node.name, ip),
                                        title=f"drop {ip} on {node.name}"))
            if node.name != master and _may_have(cluster, node, seen[call]):
                attempt.append(Step(do=_master_ip.dropped(cluster, node.name),
                                    title=f"drop {cluster.master_ip} on {node.name}"))
        attempt.append(Step(do=_master_ip.raised(cluster, master),
                            title=f"set {cluster.master_ip} on {master}"))
        return Plan(attempt=tuple(attempt), notes=tuple(notes))


def _may_have(cluster: Cluster, node: Node, found: Mapping[str, str]) -> bool:
    """Whether a node that is not the master has the address.

    What a script of the administrator's does cannot be seen: every candidate may have been master.
    """
    return cluster.master_ip in found or (
        cluster.use_external_mip_script and node.master_candidate)
