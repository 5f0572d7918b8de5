"""gnt-cluster repair-disk-sizes."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.cluster import _sizes
from gnt.plan import Plan
from gnt.spec import Holds, Operation, args
from gnt.values import TEXT, show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.spec import Seen


class RepairDiskSizes(Operation, command="cluster repair-disk-sizes"):
    """Record the sizes that disks really have, where they differ from what is recorded.

    The data is not touched.  A disk that is not there, or whose node does not answer, is named and
    left as it is.
    """

    examples = (("gnt-cluster repair-disk-sizes", "every instance"),
                ("gnt-cluster repair-disk-sizes --dry-run web", "show what would change"))

    names: tuple[str, ...] = args(TEXT, "instances (default: all)", default=(),
                                  complete="instance")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=tuple(f"instances/{inst.uuid}" for inst in self._chosen(cfg)))

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return (call for *_, call in _sizes.measured(cfg, self._chosen(cfg)))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        edits, notes = [], []
        for inst, disk, node, call in _sizes.measured(cfg, self._chosen(cfg)):
            failed = seen.failed(call)
            if failed is not None:
                notes.append(f"{inst.name}: {node.name} did not answer ({failed.problem})")
                continue
            size = seen[call]
            if size is None:
                notes.append(f"{inst.name}: {disk.iv_name} is not on {node.name}")
            elif size != disk.size:
                notes.append(f"{inst.name}: {disk.iv_name} has {show_size(size)}, not "
                             f"{show_size(disk.size)}")
                edits.append(change(disk, size=size))
        return Plan(end=tuple(edits), notes=tuple(dict.fromkeys(notes)) or (
            "every disk has the recorded size",))

    def _chosen(self, cfg: Config) -> list[Instance]:
        return [cfg.instance(name) for name in self.names] or cfg.instances
