"""gnt-group info."""

from __future__ import annotations

from gnt.commands._show import drop_empty, stamp
from gnt.model import inherit, policy
from gnt.model.objects import Network, Node
from gnt.spec import Document, Query, args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Group
    from gnt.spec import Seen


class Info(Query, command="group info"):
    """Show node groups: nodes, parameters, networks, and the instance policy that holds there."""

    rapi = "GET /2/groups/{name}"
    examples = (("gnt-group info default", "one group"), ("gnt-group info", "all of them"))

    names: tuple[str, ...] = args(TEXT, "groups (default: all)", default=(), complete="group")

    def answer(self, cfg: Config, seen: Seen) -> Document:
        chosen = [cfg.group(name) for name in self.names] if self.names else cfg.groups
        return Document(content=[_one(cfg, group) for group in chosen])


def _one(cfg: Config, group: Group) -> dict[str, Any]:
    levels = (cfg.cluster.ndparams, group.ndparams)
    filled = inherit.fill(inherit.NodeParams, levels, f"{group.name}.ndparams")
    rules = policy.policy(cfg.cluster, group)
    return drop_empty({
        "Group name": group.name,
        "UUID": group.uuid,
        "Serial number": group.serial_no,
        "Creation time": stamp(group.ctime),
        "Modification time": stamp(group.mtime),
        "Allocation policy": group.alloc_policy,
        "Nodes": [node.name for node in cfg.found(Node, "node.group", group.uuid)],
        "Node parameters": {
            name: value if name in group.ndparams else f"default ({value})"
            for name, value in filled.items()},
        "Disk parameters": {name: dict(level) for name, level in group.diskparams.items()},
        "Networks": {cfg.one(Network, uuid).name: dict(level)
                     for uuid, level in group.networks.items()},
        "Instance policy": {
            key: value if key in group.ipolicy else f"default ({_word(value)})"
            for key, value in rules.items() if key != "std"},
        "Tags": list(group.tags),
    })


def _word(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return policy.show_bounds(value)
    return ", ".join(value) if isinstance(value, list) else str(value)
