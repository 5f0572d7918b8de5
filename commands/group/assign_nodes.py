"""gnt-group assign-nodes."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.group._one import OfGroup
from gnt.errors import Conflict
from gnt.model.objects import Disk, Group, Instance, Node
from gnt.plan import Plan
from gnt.spec import Holds, args, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.spec import Seen


class AssignNodes(OfGroup, command="group assign-nodes"):
    """Put nodes into a group.

    Refused when it would leave an instance with copies of its disks in two groups, or on a network
    that the group is not connected to, unless -f is given.
    """

    hook = "group-assign-nodes"
    rapi = "PUT /2/groups/{name}/assign-nodes"
    examples = (("gnt-group assign-nodes rack2 node3 node4", "they leave the group they are in"),)

    nodes: tuple[str, ...] = args(TEXT, "nodes", complete="node")
    force: bool = opt(BOOL, "also when that splits instances between groups", default=False,
                      short="-f")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=tuple(f"nodes/{cfg.node(name).uuid}" for name in self.nodes),
                     shared=(f"groups/{cfg.group(self.name).uuid}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        group = cfg.group(self.name)
        nodes = {node.uuid: node for node in map(cfg.node, self.nodes)}
        moving = [node for node in nodes.values() if node.group != group.uuid]
        problems = [*_split(cfg, group, moving), *_unconnected(cfg, group, moving)]
        if problems and not self.force:
            raise Conflict("; ".join(problems[:5]), hint="move these nodes as well, or -f")
        notes = tuple(problems) if moving else ("these nodes are in the group already",)
        return Plan(end=tuple(change(node, group=group.uuid) for node in moving), notes=notes)


def _split(cfg: Config, group: Group, moving: list[Node]) -> list[str]:
    """Instances whose disks would be in two groups afterwards, and are in one now."""
    after = {node.uuid: node.group for node in cfg.nodes} | {n.uuid: group.uuid for n in moving}
    before = {node.uuid: node.group for node in cfg.nodes}
    found = {}
    for node in moving:
        for disk in cfg.found(Disk, "disk.node", node.uuid):
            owner = cfg.get(Instance, disk.instance) if disk.instance else None
            if owner is None:
                continue
            uuids = {owner.primary_node, *disk.nodes}
            if len({after[u] for u in uuids}) > 1 >= len({before[u] for u in uuids}):
                found[owner.name] = f"{owner.name} would have disks in two groups"
    return list(found.values())


def _unconnected(cfg: Config, group: Group, moving: list[Node]) -> list[str]:
    """Instances with a NIC in a network that the new group is not connected to."""
    return [
        f"{inst.name} has a NIC in a network that {group.name} is not connected to"
        for node in moving for inst in cfg.instances_on(node)
        if any(nic.network and nic.network not in group.networks for nic in inst.nics)
    ]
