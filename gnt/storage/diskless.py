"""Instances without disks: nothing is made, nothing is taken away, and every node will do."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.storage.base import Shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call, Step
    from gnt.storage.base import DiskSpec, Source


class Diskless(Shared):
    name = "diskless"
    takes_disks = False

    def shape(
        self, cfg: Config, inst: Instance, nodes: tuple[Node, ...], index: int, spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        raise Invalid(
            "--disk",
            "a diskless instance has no disks",
            hint="leave --disk out, or choose another template with -t",
        )

    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        yield from ()

    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        yield from ()

    def source(self, cfg: Config, disk: Disk, node: Node) -> Source:
        raise Invalid(disk.uuid, "a diskless instance has no disks")

    def size(self, cfg: Config, disk: Disk, node: Node) -> Call[int | None]:
        raise Invalid(disk.uuid, "a diskless instance has no disks")


DRIVER = Diskless()
