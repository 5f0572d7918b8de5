"""Disks that are logical volumes of the cluster's volume group, on one node.

``logical_id`` is (volume group, volume), as the reference's.
"""

from __future__ import annotations

from gnt.errors import Conflict, Invalid, NotYet
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.plan import Step
from gnt.record import Record, field
from gnt.storage.base import Growable, Source, online
from gnt.storage.plain import lvm
from gnt.values import show_size, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Disk, Instance, Node
    from gnt.plan import Call
    from gnt.storage.base import DiskSpec, Space


class Params(Record):
    stripes: int = field(whole(1, 32), "physical volumes that a disk is spread over", default=1)


class OnVolumes(Growable):
    """Its disks are volumes of the cluster's volume group."""

    def lacks(self, cluster: Cluster) -> str:
        return "" if cluster.volume_group_name else "--vg-name GROUP"

    def space(self, cfg: Config, node: Node) -> Call[Space] | None:
        vg = cfg.cluster.volume_group_name
        return lvm.space.on(node.name, vg) if vg else None


class Plain(OnVolumes):
    name = "plain"
    params: ClassVar[type[Record]] = Params

    def shape(
        self, cfg: Config, inst: Instance, nodes: tuple[Node, ...], index: int, spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        if spec.adopt:
            raise NotYet("adopting volumes is not part of this version yet",
                         hint="leave adopt= out: a new volume is made")
        vg = chosen_group(cfg, spec, index, ("vg",))["vg"]
        return (self.recorded(inst, index, spec, uuid, nodes[:1], (vg, f"{uuid}.disk{index}")),)

    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        vg, name = volume(disk)
        for node in online(cfg, disk):
            group = cfg.one(Group, node.group)
            params = inherit.fill(Params, inherit.disk_levels(cfg.cluster, group, disk), "-D plain")
            yield Step(
                do=lvm.create.on(node.name, vg, name, disk.size, params.stripes),
                undo=lvm.remove.on(node.name, vg, name),
                title=f"create {disk.iv_name} ({show_size(disk.size)}) on {node.name}",
            )

    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        for node in online(cfg, disk):
            yield Step(do=lvm.remove.on(node.name, *volume(disk)),
                       title=f"remove {disk.iv_name} from {node.name}")

    def source(self, cfg: Config, disk: Disk, node: Node) -> Source:
        return Source(driver="host_device", path=path(disk))

    def size(self, cfg: Config, disk: Disk, node: Node) -> Call[int | None]:
        return lvm.measure.on(node.name, *volume(disk))

    def found(self, cfg: Config, node: Node) -> Call[Mapping[str, int]] | None:
        vg = cfg.cluster.volume_group_name
        return lvm.found.on(node.name, vg, cfg.cluster.reserved_lvs) if vg else None

    def listed(self, cfg: Config, disk: Disk) -> str:
        vg, name = volume(disk)
        return f"{vg}/{name}" if vg == cfg.cluster.volume_group_name else ""

    def grow(self, cfg: Config, disk: Disk, size: int) -> Iterator[Step]:
        for node in online(cfg, disk):
            yield Step(do=lvm.grow.on(node.name, *volume(disk), size),
                       title=f"grow {disk.iv_name} to {show_size(size)}")


def volume(disk: Disk) -> tuple[str, str]:
    """(volume group, name) of a disk that is a volume."""
    vg, name = disk.logical_id
    return str(vg), str(name)


def path(disk: Disk) -> str:
    return "/dev/{}/{}".format(*volume(disk))


def chosen_group(
    cfg: Config, spec: DiskSpec, index: int, options: tuple[str, ...],
) -> dict[str, str]:
    """The volume groups that a disk's options name, or the cluster's; refuses other options."""
    unknown = [name for name in spec.options if name not in options]
    if unknown:
        raise Invalid(f"--disk {index}", f"such a disk has no option {', '.join(unknown)}",
                      hint=f"known: size, mode, name, {', '.join(options)}")
    usual = cfg.cluster.volume_group_name
    if not usual:
        raise Conflict("the cluster has no volume group for disks that are logical volumes",
                       hint="gnt-cluster modify --vg-name GROUP")
    return {name: spec.options.get(name) or usual for name in options}


DRIVER = Plain()
