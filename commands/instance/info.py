"""gnt-instance info."""

from __future__ import annotations

from gnt.commands import _at_once
from gnt.commands._show import drop_empty, stamp
from gnt.commands.instance import _disks, _guest, _life, _mirror
from gnt.errors import Invalid
from gnt.model import inherit
from gnt.model.objects import Group, Network, Node
from gnt.spec import Document, Query, args, opt
from gnt.values import BOOL, TEXT, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Nic
    from gnt.plan import Call
    from gnt.spec import Seen


class Info(_at_once.AtOnce, Query, command="instance info"):
    """Show everything about instances: what is recorded, what is inherited, what runs."""

    rapi = "GET /2/instances/{name}/info"
    examples = (
        ("gnt-instance info web", "one instance, with what its node says"),
        ("gnt-instance info -s --all", "all of them, from the configuration alone"),
    )

    names: tuple[str, ...] = args(TEXT, "instances", default=(), complete="instance")
    static: bool = opt(BOOL, "ask no node", default=False, short="-s")
    every: bool = opt(BOOL, "all instances", default=False, name="all")
    roman: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)

    def chosen(self, cfg: Config) -> list[Instance]:
        if not self.names and not self.every:
            raise Invalid("", "no instance is named", hint="--all shows all of them")
        return [cfg.instance(name) for name in self.names] if self.names else cfg.instances

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        if self.static:
            return
        for inst in self.chosen(cfg):
            node = _life.home(cfg, inst)
            if not node.offline:
                yield _life.running(inst, node)
            yield from _mirror.ask(inst, _life.nodes(cfg, inst))

    def answer(self, cfg: Config, seen: Seen) -> Document:
        chosen = self.chosen(cfg)
        problems = {}
        for inst in chosen:
            node = _life.home(cfg, inst)
            failed = None if self.static or node.offline else seen.failed(_life.running(inst, node))
            if failed is not None:
                problems[node.name] = failed.message
        return Document(
            content=[self._one(cfg, inst, seen) for inst in chosen],
            problems=tuple(problems.values()), exit_code=1 if problems else 0)

    def _one(self, cfg: Config, inst: Instance, seen: Seen) -> dict[str, Any]:
        node = _life.home(cfg, inst)
        be = inherit.backend(cfg, inst)
        group = cfg.one(Group, node.group)
        return drop_empty({
            "Instance name": inst.name,
            "UUID": inst.uuid,
            "Serial number": inst.serial_no,
            "Creation time": stamp(inst.ctime),
            "Modification time": stamp(inst.mtime),
            "Configured to be": "reserved" if inst.forthcoming else inst.admin_state,
            "State": self._state(inst, node, seen),
            "Primary node": node.name,
            "Secondary nodes": [other.name for other in _life.nodes(cfg, inst)[1:]],
            "Node group": group.name,
            "Operating system": inst.os,
            "OS parameters": dict(inst.osparams),
            "Private OS parameters": sorted(inst.osparams_private),
            "Hypervisor": inst.hypervisor,
            "Hypervisor parameters": _levels(_guest.hv_params(cfg, inst).items(), inst.hvparams),
            "Recorded at start": dict(inst.runtime),
            "Console port": inst.network_port,
            "Back-end parameters": _levels(be.items(), inst.beparams),
            "NICs": [_nic(cfg, nic, group) for nic in inst.nics],
            "Disk template": inst.disk_template,
            "Disks": [_disk(cfg, disk) | self._copies(cfg, inst, disk, seen)
                      for disk in cfg.disks(inst)],
            "Tags": list(inst.tags),
        })

    def _copies(self, cfg: Config, inst: Instance, disk: Disk, seen: Seen) -> dict[str, Any]:
        """What both nodes of a mirrored disk say of it."""
        if self.static or not _disks.mirrored(inst):
            return {}
        found = {}
        for node in (cfg.one(Node, uuid) for uuid in disk.nodes):
            if not node.offline and not seen.failed(_mirror.driver(inst).copies(node)):
                copy = _mirror.copy(inst, disk, node, seen)
                found[node.name] = (f"{copy.role}, " if copy else "") + _mirror.state(copy)
        return {"copies": found}

    def _state(self, inst: Instance, node: Node, seen: Seen) -> str:
        if self.static:
            return ""
        if node.offline:
            return "its node is offline"
        if seen.failed(_life.running(inst, node)) is not None:
            return "its node does not answer"
        for guest in seen[_life.running(inst, node)]:
            if guest.uuid == inst.uuid:
                return f"{guest.state}, {show_size(guest.memory)} of memory"
        return "down"


def _levels(filled: Any, own: Any) -> dict[str, str]:
    """Every parameter; what is not the instance's own stands in parentheses, as inherited."""
    return {name: _word(value) if name in own else f"default ({_word(value)})"
            for name, value in filled}


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _nic(cfg: Config, nic: Nic, group: Group) -> dict[str, Any]:
    filled = inherit.nic(cfg, nic, group)
    return drop_empty({
        "MAC": nic.mac, "IP": nic.ip, "name": nic.name, "UUID": nic.uuid,
        "network": cfg.one(Network, nic.network).name if nic.network else None,
        "mode": filled.mode, "link": filled.link, "vlan": filled.vlan,
    })


def _disk(cfg: Config, disk: Disk) -> dict[str, Any]:
    return drop_empty({
        "type": disk.dev_type, "size": show_size(disk.size), "access mode": disk.mode,
        "name": disk.name, "UUID": disk.uuid, "spindles": disk.spindles,
        "logical id": list(disk.logical_id[:5]),  # after that comes DRBD's secret
        "parameters": dict(disk.params),
        "on nodes": [cfg.one(Node, uuid).name for uuid in disk.nodes],
    })
