"""What every disk template must be able to do.

A template is one module here whose ``DRIVER`` is a :class:`Storage`.  Capabilities are subclasses
(:class:`Growable`, :class:`Shared`, :class:`Mirrored`), never comparisons with a name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.model.objects import Disk, Node
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar

    from gnt.model.config import Config
    from gnt.model.objects import Cluster, Instance
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


class Copy(Record):
    """One side of a mirrored disk as its node sees it."""

    link: str  # Connected, WFConnection, StandAlone, SyncSource, SyncTarget …
    role: str  # Primary, Secondary
    here: str  # UpToDate, Inconsistent, Outdated, Diskless …
    there: str
    behind: int = 0  # KiB that one copy lacks
    done: float = 0.0  # per cent, while they are brought in step
    left: int | None = None  # seconds
    speed: int | None = None  # KiB/s

    @property
    def whole(self) -> bool:
        """Whether both copies are the same."""
        return self.here == self.there == "UpToDate" and not self.behind

    @property
    def moving(self) -> bool:
        """Whether one copy is being brought in step, or about to be."""
        return self.link in _MOVING


_MOVING = ("SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT", "WFBitMapS", "WFBitMapT",
           "WFSyncUUID", "StartingSyncS", "StartingSyncT", "WFReportParams")


class Storage(ABC):
    """Plans the life of one disk; its node tasks live in the same module.  All steps converge."""

    name: ClassVar[str]
    params: ClassVar[type[Record]] = Record  # disk parameters: one field each
    takes_disks: ClassVar[bool] = True  # False: instances of this template have none
    below: ClassVar[tuple[str, ...]] = ()  # the templates that its disks are made of

    def lacks(self, cluster: Cluster) -> str:
        """What a cluster lacks that the template needs, as an option; empty: nothing."""
        return ""

    @abstractmethod
    def shape(
        self, cfg: Config, inst: Instance, nodes: tuple[Node, ...], index: int, spec: DiskSpec,
        uuid: str,
    ) -> tuple[Disk, ...]:
        """The disk as it will be recorded (first), with its children, on these nodes."""

    def recorded(
        self, inst: Instance, index: int, spec: DiskSpec, uuid: str, nodes: tuple[Node, ...],
        logical_id: tuple[str | int, ...],
    ) -> Disk:
        """What every template records of a disk that has its data on these nodes."""
        return Disk(uuid=uuid, dev_type=self.name, size=spec.size, instance=inst.uuid,
                    iv_name=f"disk/{index}", name=spec.name, logical_id=logical_id,
                    nodes=tuple(node.uuid for node in nodes), mode=spec.mode,
                    spindles=spec.spindles)

    @abstractmethod
    def create(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        """Make the data's home on every node that needs it; each step undone by removing it."""

    @abstractmethod
    def remove(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        """Take it away from every reachable node."""

    def activate(
        self, cfg: Config, disk: Disk, node: Node, *, anyway: bool = False,
    ) -> Iterator[Step]:
        """Make it usable on one node; ``anyway``: also from a copy that is known to be behind."""
        yield from ()

    def deactivate(self, cfg: Config, disk: Disk, node: Node) -> Iterator[Step]:
        """Let go of it on one node."""
        yield from ()

    def demote(self, cfg: Config, disk: Disk, node: Node, *, again: bool) -> Iterator[Step]:
        """Not written to here any more, so that another node can; ``again``: undone by being
        written to."""
        yield from ()

    def share(self, cfg: Config, disk: Disk, source: Node, target: Node) -> Iterator[Step]:
        """Usable on the target, too, for a live migration; undone."""
        yield from self.activate(cfg, disk, target)

    def unshare(self, cfg: Config, disk: Disk, source: Node, target: Node) -> Iterator[Step]:
        """After a live migration: usable only on the target."""
        yield from self.deactivate(cfg, disk, source)

    def wait(self, cfg: Config, disk: Disk, node: Node, *, need: bool) -> Iterator[Step]:
        """Until all copies are the same; ``need``: or it fails, where that cannot be."""
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

    def remake(self, cfg: Config, disk: Disk) -> Iterator[Step]:
        """Make anew, empty, what is lost of it; what is there stays."""
        yield from self.create(cfg, disk)

    def usage(self, disk: Disk) -> int:
        """MiB that the disk takes on each of its nodes."""
        return disk.size


class Growable(Storage):
    def grown(self, cfg: Config, disk: Disk, size: int) -> tuple[Disk, ...]:
        """The disk, and its children where they change, as recorded with the new size."""
        return (disk.replace(size=size),)

    @abstractmethod
    def grow(self, cfg: Config, disk: Disk, size: int) -> Iterator[Step]:
        """Make it ``size`` MiB; growing cannot be undone, so these steps settle."""


class Shared(Storage):
    """Every node reaches the same data (the reference's "externally mirrored")."""


class History(Record):
    """Which spans of writing a copy has seen, by names that mean nothing else."""

    newest: str  # empty: it was never written to
    before: tuple[str, ...] = ()
    whole: bool = True  # and up to date, as far as it knows

    def lacks(self, other: History) -> bool:
        """Whether the other one has all that this one has, and more."""
        return self.newest in other.before or bool(not self.newest and other.newest)

    def contradicts(self, other: History) -> bool:
        """Whether each has something that the other one lacks."""
        return not (self.newest == other.newest or self.lacks(other) or other.lacks(self))


class Kernel(Record):
    """What a node's kernel keeps copies with."""

    version: str
    helper: str  # what it calls at events


class Replacing(Record):
    """A copy that goes to another node: the disk until then and after, and what is to be done."""

    held: Disk  # reserves what the new node needs, until ``after`` is recorded
    after: tuple[Disk, ...]  # the disk with its children
    attempt: tuple[Step, ...] = ()
    settle: tuple[Step, ...] = ()


class Mirrored(Storage):
    """Has a second copy on a secondary node.  ``Disk.nodes`` are both; the instance's home is
    the one that writes.  Of what has a default above, ``activate``, ``demote``, ``share``,
    ``unshare`` and ``wait`` have to care for both copies."""

    @abstractmethod
    def copies(self, node: Node) -> Call[Mapping[int, Copy]]:
        """Asks a node for all its copies, by number."""

    @abstractmethod
    def history(self, cfg: Config, disk: Disk, node: Node) -> Call[History | None]:
        """Asks a node what its copy of a disk that is not in use has seen; None: there is none."""

    @abstractmethod
    def kernel(self, node: Node) -> Call[Kernel | None]:
        """Asks a node for what it has loaded to keep copies; None: nothing yet."""

    @abstractmethod
    def helper(self, cluster: Cluster) -> str:
        """What the kernel must call at events."""

    @abstractmethod
    def number(self, disk: Disk, node: Node) -> int:
        """Which of the node's copies is the disk's."""

    @abstractmethod
    def move(
        self, cfg: Config, disk: Disk, home: Node, target: Node, *, early: bool,
    ) -> Replacing:
        """The second copy goes to another node; ``early``: the old one is let go at once."""

    @abstractmethod
    def renew(
        self, cfg: Config, disk: Disk, node: Node, *, early: bool,
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """(attempt, settle): the copy on a node is made anew from the other one."""


def online(cfg: Config, disk: Disk) -> list[Node]:
    """The nodes with the disk's data, without those that are offline."""
    nodes = (cfg.one(Node, uuid) for uuid in disk.nodes)
    return [node for node in nodes if not node.offline]


def storage(name: str) -> Storage:
    """The driver of a disk template."""
    driver: Any = found.module("gnt.storage", name, "disk template").DRIVER
    made: Storage = driver
    return made
