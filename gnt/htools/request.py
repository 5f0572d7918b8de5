"""Requests to iallocators: the whole cluster and a question, in the form of reference D.5."""

from __future__ import annotations

from gnt.model import inherit, policy
from gnt.model.objects import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from typing import Any

    from gnt.htools.config import Seen
    from gnt.model import objects
    from gnt.model.config import Config

VERSION = 2
NO_LIVE = ("total_memory", "reserved_memory", "free_memory", "total_disk", "free_disk",
           "total_spindles", "free_spindles", "total_cpus", "reserved_cpus", "i_pri_memory",
           "i_pri_up_memory")


def message(
    cfg: Config, seen: Mapping[str, Seen], body: Mapping[str, Any], made: Container[str] = (),
) -> str:
    """The request's text.  ``seen``: what nodes said, by uuid; ``made``: reserved instances that
    count as being there.  Nodes that said nothing are told to be offline."""
    import json

    cluster = cfg.cluster
    return json.dumps({
        "version": VERSION, "cluster_name": cluster.cluster_name,
        "cluster_tags": list(cluster.tags),
        "enabled_hypervisors": list(cluster.enabled_hypervisors),
        "ipolicy": policy.policy(cluster),
        "nodegroups": {g.uuid: _group(cfg, g) for g in cfg.groups},
        "nodes": {n.name: _node(cfg, n, seen.get(n.uuid)) for n in cfg.nodes},
        "instances": {i.name: _instance(cfg, i, i.uuid in made) for i in cfg.instances},
        "request": body,
    })


def _group(cfg: Config, group: objects.Group) -> dict[str, Any]:
    return {"name": group.name, "alloc_policy": group.alloc_policy, "tags": list(group.tags),
            "networks": list(group.networks), "ipolicy": policy.policy(cfg.cluster, group)}


def _node(cfg: Config, node: objects.Node, seen: Seen | None) -> dict[str, Any]:
    params = inherit.node(cfg, node)
    here = [(i, inherit.backend(cfg, i).maxmem) for i in cfg.instances_on(node)]
    live: dict[str, Any] = dict.fromkeys(NO_LIVE, 0)
    if seen is not None:
        live |= {
            "total_memory": seen.memory, "reserved_memory": seen.own, "free_memory": seen.free,
            "total_disk": seen.disk, "free_disk": seen.disk_free, "total_cpus": seen.cpus,
            "reserved_cpus": 1, "i_pri_memory": sum(mib for _, mib in here),
            "i_pri_up_memory": sum(mib for i, mib in here if i.admin_state == "up"),
        }
    return {
        "tags": list(node.tags), "primary_ip": node.primary_ip, "secondary_ip": node.secondary_ip,
        "offline": node.offline or seen is None, "drained": node.drained,
        "master_candidate": node.master_candidate, "group": node.group,
        "master_capable": node.master_capable, "vm_capable": node.vm_capable,
        "ndparams": dict(params.items()), **live,
    }


def _instance(cfg: Config, inst: objects.Instance, made: bool) -> dict[str, Any]:
    group = cfg.one(Group, cfg.node(inst.primary_node).group)
    disks = [(d.size, d.mode, d.spindles) for d in cfg.disks(inst)]
    return {
        **base(cfg, inst, group, disks),
        "admin_state": "up" if made else inst.admin_state,
        "disks_active": inst.disks_active,
        "nodes": _nodes(cfg, inst),
        **({"forthcoming": True} if inst.forthcoming and not made else {}),
    }


def _nodes(cfg: Config, inst: objects.Instance) -> list[str]:
    """The names of its home, and of the node with the second copy of its disks."""
    others = (u for d in cfg.disks(inst) for u in d.nodes if u != inst.primary_node)
    return [cfg.node(uuid).name for uuid in dict.fromkeys((inst.primary_node, *others))]


def base(
    cfg: Config, inst: objects.Instance, group: objects.Group,
    disks: Sequence[tuple[int, str, int | None]],
) -> dict[str, Any]:
    """What is said of an instance, there or not; ``disks``: size, mode, spindles."""
    params = inherit.backend(cfg, inst)
    return {
        "tags": list(inst.tags), "vcpus": params.vcpus, "memory": params.maxmem,
        "spindle_use": params.spindle_use, "os": inst.os, "hypervisor": inst.hypervisor,
        "disk_template": inst.disk_template, "disk_space_total": sum(d[0] for d in disks),
        "disks": [{"size": size, "mode": mode, "spindles": spindles}
                  for size, mode, spindles in disks],
        "nics": [_nic(cfg, nic, group) for nic in inst.nics],
    }


def _nic(cfg: Config, nic: objects.Nic, group: objects.Group) -> dict[str, Any]:
    filled = inherit.nic(cfg, nic, group)
    return {"mac": nic.mac, "ip": nic.ip or None, "mode": filled.mode, "link": filled.link,
            "bridge": filled.link, "network": nic.network}


def allocate(
    cfg: Config, inst: objects.Instance, group: objects.Group,
    disks: Sequence[tuple[int, str, int | None]], *, required: int, only: str = "",
) -> dict[str, Any]:
    """Where should a new instance go?  ``required``: nodes; ``only``: the name of a group."""
    said = base(cfg, inst, group, disks)
    return {"type": "allocate", "name": inst.name, **said, "required_nodes": required,
            **({"group_name": only} if only else {})}


def relocate(cfg: Config, inst: objects.Instance) -> dict[str, Any]:
    """To which other node should an instance go, or the second copy of its disks?"""
    home, *second = _nodes(cfg, inst)
    return {"type": "relocate", "name": inst.name, "required_nodes": 1,
            "disk_space_total": sum(d.size for d in cfg.disks(inst)),
            "relocate_from": second or [home]}


def evacuate(names: Sequence[str], mode: str) -> dict[str, Any]:
    return {"type": "node-evacuate", "instances": list(names), "evac_mode": mode}


def change_group(names: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """``groups``: uuids; none: any other."""
    return {"type": "change-group", "instances": list(names), "target_groups": list(groups)}
