"""Instances keep to the policy of their group."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.errors import Invalid
from gnt.model import inherit, policy
from gnt.model.objects import Disk, Group, Node
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.spec import Seen


class Policies(Check):
    codes = ("EINSTANCEPOLICY",)
    asks = False

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        verified = {node.uuid: node for node in nodes}
        for inst in cfg.instances:
            node = verified.get(inst.primary_node)
            group = cfg.get(Group, node.group) if node else None
            if group is None:
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
            for problem in policy.violations(
                policy.policy(cfg.cluster, group), wanted, inst.disk_template,
            ):
                yield Finding(code="EINSTANCEPOLICY", kind="instance", name=inst.name,
                              message=problem)


CHECK = Policies()
