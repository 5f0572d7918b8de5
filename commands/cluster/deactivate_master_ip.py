"""gnt-cluster deactivate-master-ip."""

from __future__ import annotations

from gnt.commands.cluster import _master_ip
from gnt.plan import Plan, Step
from gnt.spec import Holds, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class DeactivateMasterIp(Operation, command="cluster deactivate-master-ip"):
    """Take the master's address away from the master.

    Programs that look for the master there lose it; gnt goes on as before.  It comes back with
    activate-master-ip, and with a failover.
    """

    hook = "master-ip-turndown"
    examples = (("gnt-cluster deactivate-master-ip --yes", "before its interface is rebuilt"),)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/cluster",))

    def confirm(self, cfg: Config) -> str:
        return (f"Take {_master_ip.require(cfg).master_ip} away from {cfg.master.name}? "
                "Whoever uses it loses the master.")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        cluster, master = _master_ip.require(cfg), cfg.master.name
        return Plan(attempt=(Step(do=_master_ip.dropped(cluster, master),
                                  undo=_master_ip.raised(cluster, master),
                                  title=f"drop {cluster.master_ip} on {master}"),))
