"""gnt-node info."""

from __future__ import annotations

from gnt.commands._access import fingerprint
from gnt.commands._show import drop_empty, stamp
from gnt.commands.instance._select import with_copy
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.spec import Document, Query, args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.spec import Seen


class Info(Query, command="node info"):
    """Show what is recorded of nodes: addresses, pinned keys, roles, parameters, instances."""

    rapi = "GET /2/nodes/{name}"
    examples = (("gnt-node info node2", "one node"), ("gnt-node info", "all of them"))

    names: tuple[str, ...] = args(TEXT, "nodes (default: all)", default=(), complete="node")

    def answer(self, cfg: Config, seen: Seen) -> Document:
        chosen = [cfg.node(name) for name in self.names] if self.names else cfg.nodes
        return Document(content=[_one(cfg, node) for node in chosen])


def _one(cfg: Config, node: Node) -> dict[str, Any]:
    filled = inherit.node(cfg, node)
    return drop_empty({
        "Node name": node.name,
        "UUID": node.uuid,
        "Serial number": node.serial_no,
        "Creation time": stamp(node.ctime),
        "Modification time": stamp(node.mtime),
        "primary ip": node.primary_ip,
        "secondary ip": node.secondary_ip,
        "node group": cfg.one(Group, node.group).name,
        "master": node.uuid == cfg.cluster.master_node,
        "master candidate": node.master_candidate,
        "drained": node.drained,
        "offline": node.offline,
        "master_capable": node.master_capable,
        "vm_capable": node.vm_capable,
        "powered": node.powered,
        "host keys": [f"{key.split()[0]} {fingerprint(key)}" for key in node.host_keys],
        "primary for instances": sorted(inst.name for inst in cfg.instances_on(node)),
        "secondary for instances": sorted({inst.name for inst in with_copy(cfg, node)}),
        "node parameters": {
            name: value if name in node.ndparams else f"default ({value})"
            for name, value in filled.items()},
        "Tags": list(node.tags),
    })
