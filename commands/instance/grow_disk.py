"""gnt-instance grow-disk."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _disks, _life, _mirror, _wish
from gnt.commands.instance._select import One
from gnt.errors import Conflict, Invalid, NoCapacity
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import arg, opt
from gnt.storage.base import Growable, storage
from gnt.values import BOOL, SIZE, TEXT, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance
    from gnt.plan import Call, Step
    from gnt.spec import Seen
    from gnt.storage.base import Space


class GrowDisk(One, command="instance grow-disk"):
    """Make a disk larger.

    SIZE is what is added, or the new size with --absolute.  A running guest sees it after a reboot
    at the latest.  Disks cannot shrink.
    """

    hook = "disk-grow"
    rapi = "POST /2/instances/{name}/disk/{disk}/grow"
    examples = (("gnt-instance grow-disk web 0 5g", "5 GiB more"),
                ("gnt-instance grow-disk --absolute web 0 20g", "20 GiB in all"))

    disk: str = arg(TEXT, "its disk: number, name or uuid")
    amount: int = arg(SIZE, "how much is added")
    absolute: bool = opt(BOOL, "SIZE is the new size", default=False)
    wait_for_sync: bool = opt(BOOL, "wait until mirrored disks are in step", default=True)
    ignore_ipolicy: bool = opt(BOOL, "also when the instance policy does not allow it",
                               default=False)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst, disk, _ = self._asked(cfg)
        for node in _life.nodes(cfg, inst):
            space = storage(disk.dev_type).space(cfg, node)
            if space is not None and not node.offline:
                yield space
        yield from _mirror.ask(inst, (_life.home(cfg, inst),))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst, disk, size = self._asked(cfg)
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        driver = storage(disk.dev_type)
        if not isinstance(driver, Growable):
            raise Conflict(f"disks of the template {disk.dev_type} cannot grow")
        for other in _life.nodes(cfg, inst):
            _mirror.require_second(other, inst)
            _require_room(driver.space(cfg, other), seen, size - disk.size)
        if not self.ignore_ipolicy:
            sizes = [size if d.uuid == disk.uuid else d.size for d in cfg.disks(inst)]
            group = cfg.one(Group, node.group)
            _wish.specification(cfg, inst, sizes=sizes).enforce(cfg, group)
        before, after = self._around(cfg, inst, disk, seen)
        return Plan(
            attempt=before,
            pivot=tuple(change(thing) for thing in driver.grown(cfg, disk, size)),
            settle=(*driver.grow(cfg, disk, size), *after),
            notes=(f"{disk.iv_name} of {inst.name} grows from {show_size(disk.size)} to "
                   f"{show_size(size)}",),
        )

    def _around(
        self, cfg: Config, inst: Instance, disk: Disk, seen: Seen,
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """What comes before and after growing: a mirrored disk grows while both copies take part,
        or nobody would bring what is new in step."""
        node = _life.home(cfg, inst)
        if not _disks.mirrored(inst):
            return (), ()
        if inst.disks_active:
            _mirror.require_whole(cfg, inst, node, seen, only=disk)
            return (), tuple(_disks.wait(cfg, [disk], node)) if self.wait_for_sync else ()
        return ((*_disks.activate(cfg, [disk], node), *_disks.wait(cfg, [disk], node, need=True)),
                (*_disks.wait(cfg, [disk], node), *_disks.deactivate(cfg, [disk], node)))

    def _asked(self, cfg: Config) -> tuple[Instance, Disk, int]:
        """(instance, disk, its new size)"""
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        disks = cfg.disks(inst)
        disk = disks[_disks.pick(disks, self.disk, inst.name)]
        size = self.amount if self.absolute else disk.size + self.amount
        if size <= disk.size:
            raise Invalid("size", f"{disk.iv_name} has {show_size(disk.size)} already; "
                          "disks cannot shrink")
        return inst, disk, size


def _require_room(space: Call[Space] | None, seen: Seen, more: int) -> None:
    """Raise NoCapacity when a disk cannot have so many MiB more."""
    if space is not None and seen[space].free < more:
        raise NoCapacity(f"{space.node} has {show_size(seen[space].free)} of disk free, "
                         f"{show_size(more)} more are needed")
