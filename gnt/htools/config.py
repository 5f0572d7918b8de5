"""A world from the signed configuration and what nodes say."""

from __future__ import annotations

from gnt.htools.parts import ADMIN_STATES, SPEC_KEYS
from gnt.htools.world import TEMPLATES, Disk, Group, Instance, Node, Policy, Spec, World
from gnt.model import inherit
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import Any

    from gnt.model import objects
    from gnt.model.config import Config

META = 128  # MiB that a mirrored disk takes besides its data


class Seen(Record):
    """What a node said of itself; sizes in MiB.  Nodes that said nothing count as offline."""

    memory: int
    free: int
    cpus: int
    own: int = 0  # memory that the node itself needs
    disk: int = 0
    disk_free: int = 0


def world(cfg: Config, seen: Mapping[str, Seen], states: Mapping[str, str] | None = None,
          made: Container[str] = ()) -> World:
    """``seen`` and ``states`` by uuid; without ``states`` instances are as they are meant to be.

    Without anything seen of a node, its sizes are unknown, and nothing can be placed there.
    ``made``: reserved instances that count as being there.
    """
    base = policy(cfg.cluster.ipolicy, Policy())
    groups = cfg.groups
    at = {g.uuid: k for k, g in enumerate(groups)}
    nodes = cfg.nodes
    homes = {n.uuid: k for k, n in enumerate(nodes)}
    return World(
        groups=tuple(Group(
            name=g.name, uuid=g.uuid, alloc_policy=g.alloc_policy, tags=g.tags,
            networks=tuple(g.networks), policy=policy(g.ipolicy, base)) for g in groups),
        nodes=tuple(node(cfg, n, at[n.group], seen.get(n.uuid)) for n in nodes),
        instances=tuple(instance(cfg, i, homes, (states or {}).get(i.uuid),
                                 i.forthcoming and i.uuid not in made)
                        for i in cfg.instances),
        tags=cfg.cluster.tags, policy=base,
    )


def policy(level: Mapping[str, Any], base: Policy) -> Policy:
    """A policy's own values laid over another."""
    changes: dict[str, Any] = {}
    if "std" in level:
        changes["std"] = spec(level["std"], base.std)
    if level.get("minmax"):
        low, high = base.minmax[0] if base.minmax else (base.std, base.std)
        changes["minmax"] = tuple((spec(pair.get("min", {}), low), spec(pair.get("max", {}), high))
                                  for pair in level["minmax"])
    if "disk-templates" in level:
        changes["templates"] = tuple(t for t in level["disk-templates"] if t in TEMPLATES)
    for key, name in (("vcpu-ratio", "vcpu_ratio"), ("spindle-ratio", "spindle_ratio")):
        if key in level:
            changes[name] = float(level[key])
    return base.replace(**changes)


def spec(level: Mapping[str, Any], base: Spec) -> Spec:
    return base.replace(**{f: int(level[key]) for f, key in SPEC_KEYS.items() if key in level})


def node(cfg: Config, n: objects.Node, group: int, seen: Seen | None) -> Node:
    params = inherit.node(cfg, n)
    down = n.offline or n.drained or not n.vm_capable or seen is None
    fact = seen or Seen(memory=0, free=0, cpus=0)
    return Node(
        name=n.name, group=group, t_mem=float(fact.memory), n_mem=fact.own, f_mem=fact.free,
        t_dsk=float(fact.disk), f_dsk=fact.disk_free, t_cpu=float(fact.cpus), n_cpu=1,
        offline=down, master=n.uuid == cfg.cluster.master_node, spindles=params.spindle_count,
        hypervisor=cfg.cluster.enabled_hypervisors[0],
        tags=n.tags, exclusive_storage=params.exclusive_storage, cpu_speed=params.cpu_speed,
    )


def instance(cfg: Config, i: objects.Instance, homes: Mapping[str, int],
             state: str | None, forthcoming: bool) -> Instance:
    params = inherit.backend(cfg, i)
    disks = cfg.disks(i)
    pri = homes[i.primary_node]
    others = [homes[u] for d in disks for u in d.nodes if u in homes and homes[u] != pri]
    mirrored = i.disk_template == "drbd"
    return Instance(
        name=i.name, mem=params.maxmem, vcpus=params.vcpus, pri=pri,
        dsk=sum(d.size + (META if mirrored else 0) for d in disks),
        sec=others[0] if mirrored and others else -1, template=i.disk_template, tags=i.tags,
        status=state or ADMIN_STATES.get(i.admin_state, "running"),
        auto_balance=params.auto_balance, spindle_use=params.spindle_use, forthcoming=forthcoming,
        disks=tuple(Disk(size=d.size, spindles=d.spindles) for d in disks),
        networks=tuple(nic.network for nic in i.nics),
    )
