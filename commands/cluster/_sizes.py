"""Asking nodes for disks: which are there, and how large they are."""

from __future__ import annotations

from gnt.commands.instance import _life
from gnt.storage.base import storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call


def measured(
    cfg: Config, instances: Iterable[Instance],
) -> Iterator[tuple[Instance, Disk, Node, Call[int | None]]]:
    """The finished disks of instances, and how each is asked for its size; not on offline nodes."""
    for inst in instances:
        nodes = _life.nodes(cfg, inst)
        if nodes[0].offline or inst.forthcoming:
            continue
        for disk in cfg.disks(inst):
            for node in nodes:
                if not node.offline:
                    yield inst, disk, node, storage(disk.dev_type).size(cfg, disk, node)
