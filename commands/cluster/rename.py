"""gnt-cluster rename."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.cluster import _master_ip
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, HOSTNAME, IP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Cluster
    from gnt.spec import Seen, Session


class Rename(Operation, command="cluster rename"):
    """Give the cluster another name, and the master the address of that name.

    The address only follows where the master has one (gnt-cluster init --master-netdev).  Contexts
    keep the names that their users gave them.
    """

    hook = "cluster-rename"
    examples = (
        ("gnt-cluster rename prod.example.com", "asks first; looks up the new address"),
        ("gnt-cluster rename -f --master-ip 192.0.2.9 prod.example.com", "with this address"),
    )

    name: str = arg(HOSTNAME, "new name of the cluster")
    master_ip: str = opt(IP, "the master's new address (default: that of the name)", default="")
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        cfg = session.config()
        cluster = cfg.cluster
        if not _master_ip.configured(cluster):
            return (self,)
        ip = _master_ip.resolve(session, cfg.master.name, self.name, self.master_ip,
                                cluster.primary_ip_family)
        return (self.replace(master_ip=ip),)

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return {"OP_TARGET": cfg.cluster.cluster_name, "NEW_NAME": self.name}

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/cluster",))

    def confirm(self, cfg: Config) -> str:
        return "" if self.force else (
            f"Rename cluster {cfg.cluster.cluster_name} to {self.name}?")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        before = cfg.cluster
        after = self._after(before)
        if after == before:
            raise Conflict(f"the cluster is called {self.name} already")
        for kind, index in (("node", "node.name"), ("instance", "instance.name")):
            if cfg.state.find(index, self.name):
                raise Conflict(f"{self.name} is the name of a{'n' * (kind == 'instance')} {kind}")
        return Plan(
            attempt=tuple(_master_ip.moved(cfg, after)),
            end=(change(after),),
            notes=(f"{before.cluster_name} becomes {after.cluster_name}",))

    def _after(self, before: Cluster) -> Cluster:
        ip = self.master_ip if _master_ip.configured(before) else before.master_ip
        return before.replace(cluster_name=self.name, master_ip=ip)
