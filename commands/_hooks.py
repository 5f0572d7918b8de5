"""What hooks are told of the objects that an operation is about (reference D.3)."""

from __future__ import annotations

from gnt.model import inherit
from gnt.model.objects import Group, Network, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Params


def instance(cfg: Config, inst: Instance) -> dict[str, str]:
    """INSTANCE_NAME, its parameters, NICs and disks."""
    be = inherit.backend(cfg, inst)
    disks = cfg.disks(inst)
    made: dict[str, object] = {
        "OP_TARGET": inst.name, "INSTANCE_NAME": inst.name,
        "INSTANCE_PRIMARY": cfg.one(Node, inst.primary_node).name,
        "INSTANCE_SECONDARY": " ".join(sorted(
            {cfg.one(Node, uuid).name for disk in disks for uuid in disk.nodes
             if uuid != inst.primary_node})),
        "INSTANCE_OS_TYPE": inst.os, "INSTANCE_STATUS": inst.admin_state,
        "INSTANCE_MINMEM": be.minmem, "INSTANCE_MAXMEM": be.maxmem, "INSTANCE_MEMORY": be.maxmem,
        "INSTANCE_VCPUS": be.vcpus, "INSTANCE_DISK_TEMPLATE": inst.disk_template,
        "INSTANCE_HYPERVISOR": inst.hypervisor, "INSTANCE_TAGS": " ".join(inst.tags),
        "INSTANCE_NIC_COUNT": len(inst.nics), "INSTANCE_DISK_COUNT": len(disks),
        **dict(_nics(cfg, inst)),
        **{f"INSTANCE_BE_{name}": value for name, value in be.items()},
        **{f"INSTANCE_HV_{name}": value for name, value in _hypervisor(cfg, inst)},
    }
    for index, disk in enumerate(disks):
        made[f"INSTANCE_DISK{index}_SIZE"] = disk.size
        made[f"INSTANCE_DISK{index}_MODE"] = disk.mode
        made[f"INSTANCE_DISK{index}_NAME"] = disk.name
        made[f"INSTANCE_DISK{index}_UUID"] = disk.uuid
    return {name: _word(value) for name, value in made.items()}


def _nics(cfg: Config, inst: Instance) -> Iterator[tuple[str, object]]:
    group = cfg.one(Group, cfg.one(Node, inst.primary_node).group)
    for index, nic in enumerate(inst.nics):
        filled = inherit.nic(cfg, nic, group)
        network = cfg.one(Network, nic.network).name if nic.network else ""
        for name, value in (
            ("MAC", nic.mac), ("IP", nic.ip), ("MODE", filled.mode), ("LINK", filled.link),
            ("VLAN", filled.vlan), ("NAME", nic.name), ("UUID", nic.uuid),
            ("NETWORK_NAME", network),
        ):
            yield f"INSTANCE_NIC{index}_{name}", value


def _hypervisor(cfg: Config, inst: Instance) -> Iterator[tuple[str, object]]:
    merged: dict[str, object] = {}
    levels: tuple[Params, ...] = inherit.hypervisor_levels(cfg.cluster, inst)
    for level in levels:
        merged.update(level)
    yield from merged.items()


def node(name: str, node: Node | None = None) -> dict[str, str]:
    """NODE_NAME and, when there is a node, its addresses and flags."""
    made: dict[str, object] = {"OP_TARGET": name, "NODE_NAME": name}
    if node is not None:
        made |= {
            "NODE_PIP": node.primary_ip, "NODE_SIP": node.secondary_ip,
            "MASTER_CANDIDATE": node.master_candidate, "OFFLINE": node.offline,
            "DRAINED": node.drained, "MASTER_CAPABLE": node.master_capable,
            "VM_CAPABLE": node.vm_capable,
        }
    return {key: _word(value) for key, value in made.items()}


def group(name: str) -> dict[str, str]:
    return {"OP_TARGET": name, "GROUP_NAME": name}


def network(name: str, network: Network | None = None) -> dict[str, str]:
    """NETWORK_NAME and, when there is a network, its addresses."""
    made: dict[str, object] = {"OP_TARGET": name, "NETWORK_NAME": name}
    if network is not None:
        made |= {
            "NETWORK_SUBNET": network.network, "NETWORK_GATEWAY": network.gateway,
            "NETWORK_SUBNET6": network.network6, "NETWORK_GATEWAY6": network.gateway6,
            "NETWORK_MAC_PREFIX": network.mac_prefix, "NETWORK_TAGS": " ".join(network.tags),
        }
    return {key: _word(value) for key, value in made.items()}


def _word(value: object) -> str:
    return "" if value is None else str(value)
