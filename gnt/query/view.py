"""What getters of fields may look at: the configuration, live facts, drivers' defaults."""

from __future__ import annotations

from gnt.model import inherit
from gnt.model.objects import Disk, Group, Instance, Network, Node
from gnt.query.live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from gnt.model.config import Config

    T = TypeVar("T")
    Defaults = Callable[[str, str], Mapping[str, Any]]


def no_defaults(what: str, name: str) -> Mapping[str, Any]:
    """Used where the drivers' defaults do not matter."""
    return {}


class View:
    """One committed state with what was learnt of it.

    ``defaults(what, name)`` answers with the parameters of a driver and their defaults (``what``:
    hypervisor or storage), ``extra`` says what a disk takes beyond its size; drivers are above
    this layer, so commands pass both in.
    """

    def __init__(
        self, cfg: Config, live: Live | None = None, defaults: Defaults = no_defaults,
        extra: Callable[[Disk], int] = lambda disk: 0,
    ) -> None:
        self.cfg = cfg
        self.cluster = cfg.cluster
        self.live = live or Live()
        self.defaults = defaults
        self.extra = extra
        self._memo: dict[tuple[str, str], Any] = {}

    def node(self, uuid: str) -> Node:
        return self.cfg.one(Node, uuid)

    def group(self, uuid: str) -> Group:
        return self.cfg.one(Group, uuid)

    def group_of(self, inst: Instance) -> Group:
        return self.group(self.node(inst.primary_node).group)

    def disks(self, inst: Instance) -> list[Disk]:
        return self._once("disks", inst.uuid, lambda: self.cfg.disks(inst))

    def secondaries(self, inst: Instance) -> list[Node]:
        """The nodes that hold the disks' second copies."""
        uuids = dict.fromkeys(uuid for disk in self.disks(inst) for uuid in disk.nodes)
        return [self.node(uuid) for uuid in uuids if uuid != inst.primary_node]

    def disk_usage(self, inst: Instance) -> int:
        """MiB that it takes on each of its nodes."""
        return sum(disk.size + self.extra(disk) for disk in self.disks(inst))

    def backend(self, inst: Instance) -> inherit.BackendParams:
        return self._once("backend", inst.uuid, lambda: inherit.backend(self.cfg, inst))

    def nics(self, inst: Instance) -> list[inherit.NicParams]:
        """The filled parameters of its NICs."""
        def fill() -> list[inherit.NicParams]:
            group = self.group_of(inst) if any(nic.network for nic in inst.nics) else None
            return [inherit.nic(self.cfg, nic, group) for nic in inst.nics]

        return self._once("nics", inst.uuid, fill)

    def network_name(self, uuid: str | None) -> str | None:
        return self.cfg.one(Network, uuid).name if uuid else None

    def hypervisor(self, inst: Instance) -> dict[str, Any]:
        """Hypervisor parameters, filled in."""
        def fill() -> dict[str, Any]:
            merged = dict(self.defaults("hypervisor", inst.hypervisor))
            for level in inherit.hypervisor_levels(self.cluster, inst):
                merged.update(level)
            return merged

        return self._once("hypervisor", inst.uuid, fill)

    def os(self, inst: Instance) -> dict[str, Any]:
        """OS parameters, filled in."""
        return {k: v for level in inherit.os_levels(self.cluster, inst) for k, v in level.items()}

    def disk_params(self, group: Group) -> dict[str, dict[str, Any]]:
        """Disk parameters of a group, filled in, by template."""
        return {
            template: {**self.defaults("storage", template),
                       **self.cluster.diskparams.get(template, {}),
                       **group.diskparams.get(template, {})}
            for template in self.cluster.enabled_disk_templates
        }

    def node_params(self, node: Node) -> inherit.NodeParams:
        return self._once("ndparams", node.uuid, lambda: inherit.node(self.cfg, node))

    def group_node_params(self, group: Group) -> inherit.NodeParams:
        return inherit.fill(inherit.NodeParams, (self.cluster.ndparams, group.ndparams),
                            f"{group.name}.ndparams")

    def primaries(self, node: Node) -> list[str]:
        """Names of the instances whose primary node this is."""
        return self._by_node("primary").get(node.uuid, [])

    def seconds(self, node: Node) -> list[str]:
        """Names of the instances with a second copy here."""
        return self._by_node("secondary").get(node.uuid, [])

    def members(self, group: Group) -> list[Node]:
        return [node for node in self.cfg.nodes if node.group == group.uuid]

    def group_instances(self, group: Group) -> list[str]:
        """Names of the instances whose primary node is in the group."""
        return [name for node in self.members(group) for name in self.primaries(node)]

    def users(self, network: Network) -> list[str]:
        """Names of the instances with a NIC in the network."""
        return [inst.name for inst in self.cfg.instances
                if any(nic.network == network.uuid for nic in inst.nics)]

    def _by_node(self, role: str) -> dict[str, list[str]]:
        def collect() -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for inst in self.cfg.instances:
                uuids = [inst.primary_node] if role == "primary" else [
                    node.uuid for node in self.secondaries(inst)]
                for uuid in uuids:
                    found.setdefault(uuid, []).append(inst.name)
            return found

        return self._once("by node", role, collect)

    def _once(self, what: str, key: str, make: Callable[[], T]) -> T:
        if (what, key) not in self._memo:
            self._memo[what, key] = make()
        made: T = self._memo[what, key]
        return made
