"""Worlds in the forms of others: iallocator requests, and the answers of a RAPI server."""

from __future__ import annotations

import random

from gnt.htools.world import Instance, Node, Policy, Spec, World

STATES = {"running": "up", "ADMIN_down": "down", "ADMIN_offline": "offline"}


def spec(s: Spec) -> dict[str, int]:
    return {"memory-size": s.memory, "cpu-count": s.cpus, "disk-size": s.disk_size,
            "disk-count": s.disk_count, "nic-count": s.nic_count, "spindle-use": s.spindle_use}


def policy(p: Policy) -> dict[str, object]:
    return {"std": spec(p.std), "minmax": [{"min": spec(a), "max": spec(b)} for a, b in p.minmax],
            "disk-templates": list(p.templates), "vcpu-ratio": p.vcpu_ratio,
            "spindle-ratio": p.spindle_ratio}


def request(world: World, body: dict[str, object], rng: random.Random) -> dict[str, object]:
    """The world as an iallocator message."""
    nodes = {n.name: node(world, n, rng) for n in world.nodes}
    if body["type"] == "allocate-secondary":  # the reference would take nodes that are off, too
        nodes = {name: {**facts, "offline": False, "drained": False, "vm_capable": True}
                 for name, facts in nodes.items()}
    return {
        "version": 2, "cluster_name": "c", "cluster_tags": list(world.tags),
        "enabled_hypervisors": [rng.choice(("kvm", "xen-pvm"))], "ipolicy": policy(world.policy),
        "nodegroups": {g.uuid: {
            "name": g.name, "alloc_policy": g.alloc_policy, "tags": [],
            "networks": ["net1"] if rng.random() < 0.5 else [], "ipolicy": policy(g.policy)}
            for g in world.groups},
        "nodes": nodes,
        "instances": {i.name: {
            **base(i), "admin_state": STATES.get(i.status, "up"), "nodes": [
                world.nodes[k].name for k in (i.pri, i.sec) if k >= 0],
            **({"forthcoming": True} if i.forthcoming else {})} for i in world.instances},
        "request": body,
    }


def node(world: World, n: Node, rng: random.Random) -> dict[str, object]:
    return {
        "tags": list(n.tags), "offline": n.offline, "drained": rng.random() < 0.05,
        "vm_capable": rng.random() < 0.97, "group": world.groups[n.group].uuid,
        "ndparams": {"spindle_count": n.spindles, "exclusive_storage": n.exclusive_storage,
                     "cpu_speed": 1.0},  # the reference passes it over here
        "total_memory": int(n.t_mem), "reserved_memory": n.n_mem, "free_memory": n.f_mem,
        "total_disk": int(n.t_dsk), "free_disk": n.f_dsk, "total_cpus": int(n.t_cpu),
        "reserved_cpus": n.n_cpu, "total_spindles": n.spindles if n.exclusive_storage else 0,
        "free_spindles": n.free_spindles,
    }


def base(i: Instance) -> dict[str, object]:
    return {"memory": i.mem, "vcpus": i.vcpus, "spindle_use": i.spindle_use, "tags": list(i.tags),
            "disks": [{"size": d.size, "spindles": d.spindles} for d in i.disks],
            "disk_space_total": i.dsk, "disk_template": i.template,
            "nics": [{"network": n} for n in i.networks]}


def new(rng: random.Random, k: int) -> dict[str, object]:
    template = rng.choice(("drbd", "drbd", "drbd", "plain", "rbd", "sharedfile", "diskless"))
    size = rng.choice((1024, 10240, 20480, 51200, 10**6))
    sizes = [size] if rng.random() < 0.7 else [size // 2, size // 2]
    return {
        "type": "allocate", "name": f"new{k}.example.com", "memory": rng.choice((512, 2048, 4096)),
        "vcpus": rng.choice((1, 2, 4)), "spindle_use": rng.choice((1, 2)),
        "tags": rng.sample(("service:1", "rack:1", "rack:2", "power:1"), rng.randint(0, 2)),
        "disks": [{"size": s, "spindles": rng.choice((1, 2, None))} for s in sizes],
        "disk_space_total": sum(sizes), "disk_template": template, "hypervisor": "kvm", "os": "x",
        "nics": [{"network": rng.choice((None, None, "net1", "net2")), "mac": "auto"}]
        if rng.random() < 0.3 else [],
        "required_nodes": 2 if template == "drbd" else 1,
    }


def wish(rng: random.Random, world: World) -> dict[str, object]:
    """A request's question, of any kind that the cluster can be asked."""
    kinds = ["allocate", "allocate", "multi-allocate", "multi-allocate"]
    if world.instances:
        kinds += ["relocate", "node-evacuate", "node-evacuate", "change-group",
                  "allocate-secondary"]
    kind = rng.choice(kinds)
    group = {"group_name": rng.choice(world.groups).name} if world.groups and rng.random() < 0.3 \
        else {}
    if kind == "allocate":
        only = {"restrict-to-nodes": [n.name for n in world.nodes if rng.random() < 0.7]} \
            if rng.random() < 0.2 else {}
        return {**new(rng, 0), **group, **only}
    if kind == "multi-allocate":
        return {"type": kind, **group,
                "instances": [new(rng, k) for k in range(rng.randint(1, 6))]}
    return moving(rng, world, kind)


def moving(rng: random.Random, world: World, kind: str) -> dict[str, object]:
    inst = rng.choice(world.instances)
    if kind == "allocate-secondary":
        return {"type": kind, "name": inst.name}
    if kind == "relocate":
        homes = [inst.sec if inst.sec >= 0 and rng.random() < 0.9 else inst.pri]
        return {"type": kind, "name": inst.name, "required_nodes": 1, "disk_space_total": inst.dsk,
                "relocate_from": [world.nodes[k].name for k in homes]}
    chosen = [i.name for i in world.instances
              if i.pri == inst.pri and (rng.random() < 0.8 or i is inst)]
    if kind == "change-group":
        return {"type": kind, "instances": chosen, "target_groups": [
            g.uuid for g in world.groups if rng.random() < 0.4]}
    return {"type": kind, "instances": chosen,
            "evac_mode": rng.choice(("primary-only", "secondary-only", "all"))}


def rapi(world: World, rng: random.Random) -> dict[str, object]:
    """What a RAPI server says, by resource."""
    hypervisor = rng.choice(("kvm", "xen-pvm"))
    last = world.nodes[-1].name if world.nodes else "nobody"
    return {
        "info": {"master": next((n.name for n in world.nodes if n.master), last),
                 "tags": list(world.tags), "ipolicy": policy(world.policy),
                 "default_hypervisor": hypervisor},
        "groups": [{"name": g.name, "uuid": g.uuid, "alloc_policy": g.alloc_policy,
                    "tags": list(g.tags), "ipolicy": policy(g.policy), "networks": []}
                   for g in world.groups],
        "nodes": [{
            "name": n.name, "group.uuid": world.groups[n.group].uuid, "offline": n.offline,
            "drained": rng.random() < 0.05, "vm_capable": rng.random() < 0.97, 
            "mtotal": int(n.t_mem),
            "mnode": n.n_mem, "mfree": n.f_mem, "dtotal": int(n.t_dsk), "dfree": n.f_dsk,
            "ctotal": int(n.t_cpu), "cnos": n.n_cpu, "tags": list(n.tags),
            "sptotal": n.spindles if n.exclusive_storage else 0, "spfree": n.free_spindles,
            "ndparams": {"spindle_count": n.spindles, "exclusive_storage": n.exclusive_storage,
                         "cpu_speed": 1.0},
        } for n in world.nodes],
        "instances": [{
            "name": i.name, "pnode": world.nodes[i.pri].name,
            "snodes": [world.nodes[i.sec].name] if i.sec >= 0 else [], "status": i.status,
            "oper_ram": i.mem if i.running else None, "admin_state": "up",
            "disk_usage": i.dsk, "disk_template": i.template, "tags": list(i.tags),
            "disk.sizes": [d.size for d in i.disks], "disk.spindles": [None for _ in i.disks],
            "nic.networks": [], "hvparams": {}, "forthcoming": i.forthcoming, "beparams": {
                "vcpus": i.vcpus, "maxmem": i.mem, "memory": i.mem,
                "auto_balance": i.auto_balance, "spindle_use": i.spindle_use},
        } for i in world.instances],
    }
