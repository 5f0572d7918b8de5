"""From the configuration to what a hypervisor is given: every parameter filled in."""

from __future__ import annotations

from gnt.guest import seed
from gnt.hypervisor.base import Guest, GuestDisk, hypervisor
from gnt.model import inherit
from gnt.model.objects import Group, Network
from gnt.net.base import Port, tap_name
from gnt.storage.base import Mirrored, Shared, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Nic, Node, Params
    from gnt.record import Record


def hv_params(cfg: Config, inst: Instance, once: Params | None = None) -> Record:
    """The hypervisor parameters of an instance; ``once`` lies on top, for one start."""
    driver = hypervisor(inst.hypervisor)
    where = f"{inst.name}.hvparams"
    levels = inherit.hypervisor_levels(cfg.cluster, inst)
    params = inherit.fill(driver.params, (*levels, once or {}), where)
    driver.check(params, where)
    return params


def guest(
    cfg: Config, inst: Instance, node: Node, *, disks: Sequence[Disk] | None = None,
    params: Record | None = None, memory: int | None = None,
) -> Guest:
    """An instance as it runs on ``node``.

    ``disks`` are its disks when they are not in ``cfg`` yet; ``params`` and ``memory`` (MiB)
    override what the configuration says.
    """
    be = inherit.backend(cfg, inst)
    filled = params or hv_params(cfg, inst)
    group = cfg.one(Group, node.group)
    own = cfg.disks(inst) if disks is None else disks
    return Guest(
        uuid=inst.uuid, name=inst.name, node=node.name, memory=memory or be.maxmem,
        minmem=be.minmem, maxmem=be.maxmem, vcpus=be.vcpus, params=filled,
        disks=tuple(_disk(cfg, disk, index, node) for index, disk in enumerate(own)),
        ports=tuple(
            port(cfg, inst, nic, index, group, filled) for index, nic in enumerate(inst.nics)),
        console_port=inst.network_port, runtime=inst.runtime, address=node.secondary_ip,
        seed=seed.of(cfg, inst), uid_pool=cfg.cluster.uid_pool,
    )


def _disk(cfg: Config, disk: Disk, index: int, node: Node) -> GuestDisk:
    driver = storage(disk.dev_type)
    return GuestDisk(
        uuid=disk.uuid, index=index, size=disk.size, mode=disk.mode,
        source=driver.source(cfg, disk, node), shared=isinstance(driver, (Shared, Mirrored)),
    )


def port(
    cfg: Config, inst: Instance, nic: Nic, index: int, group: Group, params: Record,
) -> Port:
    """One NIC with the parameters of its network's connection to the group."""
    filled = inherit.nic(cfg, nic, group)
    return Port(
        uuid=nic.uuid, interface=tap_name(nic.uuid), mac=nic.mac, mode=filled.mode,
        link=filled.link, vlan=filled.vlan, ip=nic.ip, instance=inst.name, index=index,
        network=cfg.one(Network, nic.network).name if nic.network else "",
        queues=getattr(params, "virtio_net_queues", 1), vnet_hdr=getattr(params, "vnet_hdr", False),
    )
