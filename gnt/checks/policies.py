"""Instances keep to the policy of their group."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.errors import Invalid
from gnt.htools import config
from gnt.htools import policy as placing
from gnt.htools.place import against_policy
from gnt.htools.world import Policy
from gnt.model import inherit, policy
from gnt.model.objects import Disk, Group, Node
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.spec import Seen


class Policies(Check):
    codes = ("EINSTANCEPOLICY",)
    asks = False

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        verified = {node.uuid: node for node in nodes}
        for inst in cfg.instances:
            node = verified.get(inst.primary_node)
            group = cfg.get(Group, node.group) if node else None
            if node is None or group is None:
                continue
            try:
                be = inherit.backend(cfg, inst)
            except Invalid:
                continue  # the check of consistency says so
            sizes = tuple(disk.size for uuid in inst.disks if (disk := cfg.get(Disk, uuid)))
            wanted: dict[str, int | tuple[int, ...]] = {
                "memory-size": be.maxmem, "cpu-count": be.vcpus, "nic-count": len(inst.nics),
                "spindle-use": be.spindle_use}
            if storage(inst.disk_template).takes_disks:
                wanted |= {"disk-count": len(sizes), "disk-size": sizes}
            problems = list(policy.violations(
                policy.policy(cfg.cluster, group), wanted, inst.disk_template))
            for problem in problems or _unplaceable(cfg, inst, group, node):
                yield Finding(code="EINSTANCEPOLICY", kind="instance", name=inst.name,
                              message=problem)


def _unplaceable(cfg: Config, inst: Instance, group: Group, node: Node) -> Iterator[str]:
    """What the model that places instances says, should it not agree."""
    cluster = config.policy(cfg.cluster.ipolicy, Policy())
    size = config.instance(cfg, inst, {inst.primary_node: 0}, None, False)
    refused = placing.refused(size, config.policy(group.ipolicy, cluster),
                              inherit.node(cfg, node).exclusive_storage)
    if refused >= 0:
        yield against_policy(refused)


CHECK = Policies()
