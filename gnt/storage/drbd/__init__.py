"""Disks with a copy on each of two nodes: DRBD 8.4 over logical volumes.

``logical_id`` is (node, node, port, minor, minor, secret), as the reference's; the children are the
volume with the data and the one with DRBD's metadata, called the same on both nodes.
"""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model.names import digest, new_minor, new_port, new_uuid
from gnt.model.objects import Disk
from gnt.plan import Step
from gnt.storage.base import Mirrored, Source
from gnt.storage.drbd import change, tasks
from gnt.storage.drbd.history import history
from gnt.storage.drbd.params import Params, helper, params
from gnt.storage.drbd.side import Side, minor, sides
from gnt.storage.drbd.sync import in_step
from gnt.storage.plain import OnVolumes, chosen_group, lvm, path
from gnt.values import show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Instance, Node
    from gnt.plan import Call
    from gnt.record import Record
    from gnt.storage.base import Copy, DiskSpec, History, Kernel, Replacing

META = 128  # MiB


class Drbd(OnVolumes, Mirrored):
    name = "drbd"
    params: ClassVar[type[Record]] = Params
    below = ("plain",)

    def shape(
        self, cfg: Config, inst: Instance, nodes: tuple[Node, ...], index: int, spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        if spec.adopt:
            raise Invalid(f"--disk {index}", "mirrored disks cannot be adopted")
        groups = chosen_group(cfg, spec, index, ("vg", "metavg"))
        disk = self.recorded(inst, index, spec, uuid, nodes, (
            *(node.uuid for node in nodes), new_port(cfg, uuid),
            *(new_minor(cfg, node) for node in nodes),
            digest(cfg.head, "drbd", uuid).hex()[:40]))
        metavg = spec.options.get("metavg") or params(cfg, disk).metavg or groups["metavg"]
        data, meta = (
            Disk(
                uuid=new_uuid(cfg, uuid, kind),
                dev_type="plain",
                size=size,
                logical_id=(vg, f"{uuid}.disk{index}_{kind}"),
                nodes=disk.nodes,
            )
            for kind, vg, size in (("data", groups["vg"], spec.size), ("meta", metavg, META))
        )
        return disk.replace(children=(data.uuid, meta.uuid)), data, meta

    def remake(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        for side in sides(cfg, disk):
            yield side.unpaired()
        yield from self.create(cfg, disk)

    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        both = sorted(sides(cfg, disk), key=lambda side: not side.at_home)
        for side in both:
            yield from side.make()
        for side in both:
            yield from side.join(undone=True)
        if len(both) > 1:
            yield both[0].met()
        yield Step(do=tasks.first.on(*both[0].device, len(both) == 1),
                   title=f"{disk.iv_name}: the data of {both[0].node.name} counts")

    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        for side in sides(cfg, disk):
            yield from side.unmake()

    def activate(
        self, cfg: Config, disk: Disk, node: Node, *, anyway: bool = False
    ) -> Iterator[Step]:
        here, *peers = sides(cfg, disk, first=node)
        for side in (*peers, here):
            yield from side.join(undone=not here.active)
        if peers:
            yield here.met()
        yield here.promoted(anyway=anyway, undone=not (here.active and here.at_home))

    def deactivate(self, cfg: Config, disk: Disk, node: Node) -> Iterator[Step]:
        for side in sides(cfg, disk, first=node):
            yield Step(do=tasks.down.on(*side.device),
                       title=f"let go of {disk.iv_name} on {side.node.name}")

    def source(self, cfg: Config, disk: Disk, node: Node) -> Source:
        return Source(driver="host_device", path=f"/dev/drbd{minor(disk, node)}")

    def size(self, cfg: Config, disk: Disk, node: Node) -> Call[int | None]:
        return lvm.measure.on(node.name, *Side(cfg, disk, node).data)

    def usage(self, disk: Disk) -> int:
        return disk.size + META

    def grown(self, cfg: Config, disk: Disk, size: int) -> tuple[Disk, ...]:
        data = cfg.one(Disk, disk.children[0])
        return disk.replace(size=size), data.replace(size=size)

    def grow(self, cfg: Config, disk: Disk, size: int) -> Iterator[Step]:
        both = sorted(sides(cfg, disk), key=lambda side: not side.at_home)
        for side in both:
            yield Step(do=lvm.grow.on(side.node.name, *side.data, size),
                       title=f"grow {disk.iv_name} to {show_size(size)} on {side.node.name}")
        yield Step(do=tasks.resize.on(*both[0].device), title=f"let DRBD know of {disk.iv_name}")

    def copies(self, node: Node) -> Call[Mapping[int, Copy]]:
        return tasks.copies.on(node.name)

    def history(self, cfg: Config, disk: Disk, node: Node) -> Call[History | None]:
        side = Side(cfg, disk, node)
        return history.on(*side.device, path(side.children[1]))

    def kernel(self, node: Node) -> Call[Kernel | None]:
        return tasks.kernel.on(node.name)

    def helper(self, cluster: Cluster) -> str:
        return helper(cluster)

    def number(self, disk: Disk, node: Node) -> int:
        return minor(disk, node)

    def demote(self, cfg: Config, disk: Disk, node: Node, *, again: bool) -> Iterator[Step]:
        side = Side(cfg, disk, node)
        yield Step(do=tasks.demote.on(*side.device),
                   undo=tasks.promote.on(*side.device) if again else None,
                   title=f"{disk.iv_name}: {node.name} does not write to it any more")

    def share(self, cfg: Config, disk: Disk, source: Node, target: Node) -> Iterator[Step]:
        for node in (source, target):
            device = Side(cfg, disk, node).device
            yield Step(do=tasks.share.on(*device, both=True),
                       undo=tasks.share.on(*device, both=False),
                       title=f"{disk.iv_name}: both nodes may write to it")
        yield Side(cfg, disk, target).promoted()

    def unshare(self, cfg: Config, disk: Disk, source: Node, target: Node) -> Iterator[Step]:
        yield from self.demote(cfg, disk, source, again=False)
        for node in (source, target):
            yield Step(do=tasks.share.on(*Side(cfg, disk, node).device, both=False),
                       title=f"{disk.iv_name}: only one node may write to it")

    def wait(self, cfg: Config, disk: Disk, node: Node, *, need: bool) -> Iterator[Step]:
        yield Step(do=in_step.on(node.name, node.name, minor(disk, node), disk.iv_name, need),
                   title=f"{disk.iv_name}: wait until both copies are the same")

    def move(
        self, cfg: Config, disk: Disk, home: Node, target: Node, *, early: bool,
    ) -> Replacing:
        return change.move(self, cfg, disk, home, target, early=early)

    def renew(
        self, cfg: Config, disk: Disk, node: Node, *, early: bool,
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        return change.renew(self, cfg, disk, node, early=early)


DRIVER = Drbd()
