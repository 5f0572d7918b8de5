"""What every disk template must be able to do.

A template is one module here whose ``DRIVER`` is a :class:`Storage`.  Capabilities are subclasses
(:class:`Growable`, :class:`Shared`, :class:`Mirrored`), never comparisons with a name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call, Step


class DiskSpec(Record):
    """What a person asked for one disk: ``--disk 0:size=10g,mode=rw``."""

    size: int  # MiB
    mode: str = "rw"
    name: str | None = None
    spindles: int | None = None
    adopt: str | None = None
    options: Mapping[str, str] = {}


class Source(Record):
    """Where a hypervisor opens a disk on a node: ``driver`` is QEMU's block driver name."""

    driver: str  # file, host_device, rbd, gluster …
    path: str  # path or the driver's own name of the image
    options: Mapping[str, str] = {}


class Space(Record):
    """A storage unit on a node, in MiB."""

    kind: str
    name: str
    total: int
    free: int


class Storage(ABC):
    """Plans the life of one disk; its node tasks live in the same module.  All steps converge."""

    name: ClassVar[str]
    params: ClassVar[type[Record]] = Record  # disk parameters: one field each
    takes_disks: ClassVar[bool] = True  # False: instances of this template have none

    @abstractmethod
    def shape(
        self,
        cfg: Config,
        inst: Instance,
        nodes: tuple[Node, ...],
        index: int,
        spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        """The disk as it will be recorded (first), with its children, on these nodes."""

    @abstractmethod
    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        """Make the data's home on every node that needs it; each step undone by removing it."""

    @abstractmethod
    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        """Take it away from every reachable node."""

    def activate(self, cfg: Config, disk: Disk, node: Node) -> Iterator[Step]:
        """Make it usable on one node."""
        yield from ()

    def deactivate(self, cfg: Config, disk: Disk, node: Node) -> Iterator[Step]:
        """Let go of it on one node."""
        yield from ()

    @abstractmethod
    def source(self, cfg: Config, disk: Disk, node: Node) -> Source:
        """How a hypervisor on this node opens it."""

    @abstractmethod
    def size(self, cfg: Config, disk: Disk, node: Node) -> Call[int | None]:
        """Asks the node for its real size in MiB; None when it is not there."""

    def space(self, cfg: Config, node: Node) -> Call[Space] | None:
        """Asks the node for the room there is; None when the template takes none."""
        return None

    def found(self, cfg: Config, node: Node) -> Call[Mapping[str, int]] | None:
        """Asks for everything of this template on the node (path or volume -> MiB): orphans."""
        return None

    def listed(self, cfg: Config, disk: Disk) -> str:
        """What ``found`` calls the disk; empty when it does not look where the disk is."""
        return ""

    def usage(self, disk: Disk) -> int:
        """MiB that the disk takes on each of its nodes."""
        return disk.size


class Growable(Storage):
    @abstractmethod
    def grow(self, cfg: Config, disk: Disk, size: int) -> Iterator[Step]:
        """Make it ``size`` MiB; growing cannot be undone, so these steps settle."""


class Shared(Storage):
    """Every node reaches the same data (the reference's "externally mirrored")."""


class Mirrored(Storage):
    """Has a second copy on a secondary node."""


def storage(name: str) -> Storage:
    """The driver of a disk template."""
    driver: Any = found.module("gnt.storage", name, "disk template").DRIVER
    made: Storage = driver
    return made
