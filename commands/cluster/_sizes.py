"""Asking nodes for disks: which are there, and how large they are."""

from __future__ import annotations

from gnt.model.objects import Disk, Node
from gnt.storage.base import Mirrored, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call


def measured(
    cfg: Config, instances: Iterable[Instance],
) -> Iterator[tuple[Instance, Disk, Node, Call[int | None]]]:
    """The finished disks of instances, and how each is asked for its size; not on offline nodes."""
    for inst in instances:
        home = cfg.one(Node, inst.primary_node)
        if home.offline or inst.forthcoming:
            continue
        for disk in cfg.disks(inst):
            driver = storage(disk.dev_type)
            yield inst, disk, home, driver.size(cfg, disk, home)
            if isinstance(driver, Mirrored):
                other = driver.peer(cfg, disk, home)
                if not other.offline:
                    yield inst, disk, other, driver.size(cfg, disk, other)
