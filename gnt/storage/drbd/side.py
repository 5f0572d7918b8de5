"""One node's side of a mirrored disk: its minor, its volumes, its address, and steps for them."""

from __future__ import annotations

from gnt.model.objects import Disk, Instance, Node
from gnt.plan import Step
from gnt.storage.base import online
from gnt.storage.drbd import tasks
from gnt.storage.drbd.params import disk_words, helper, net_words, params
from gnt.storage.plain import lvm, path, volume
from gnt.values import show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.plan import Call


class Side:
    """Where one copy is; ``cfg`` knows the disk's children."""

    def __init__(self, cfg: Config, disk: Disk, node: Node) -> None:
        self.cfg, self.disk, self.node = cfg, disk, node
        self.port, self.secret = disk.logical_id[2], str(disk.logical_id[5])
        self.minor = minor(disk, node)
        self.children = tuple(cfg.one(Disk, uuid) for uuid in disk.children)
        self.data, self.meta = (volume(child) for child in self.children)
        self.params = params(cfg, disk)

    @property
    def device(self) -> tuple[str, int, str]:
        """(node, minor, the volume that must be behind it)"""
        return self.node.name, self.minor, path(self.children[0])

    @property
    def address(self) -> str:
        host = self.node.secondary_ip
        return f"ipv6:[{host}]:{self.port}" if ":" in host else f"ipv4:{host}:{self.port}"

    @property
    def active(self) -> bool:
        """Whether the disk is in use already: what is taken back leaves it so."""
        inst = self.cfg.get(Instance, self.disk.instance)
        return inst is not None and inst.disks_active

    @property
    def at_home(self) -> bool:
        """Whether this is the side that writes; of a new instance, every one may be."""
        inst = self.cfg.get(Instance, self.disk.instance)
        return inst is None or inst.primary_node == self.node.uuid

    @property
    def peer(self) -> Side:
        other = next(uuid for uuid in self.disk.nodes if uuid != self.node.uuid)
        return Side(self.cfg, self.disk, self.cfg.one(Node, other))

    def make(self) -> Iterator[Step]:
        """The volumes, with empty metadata."""
        name, disk = self.node.name, self.disk
        sizes = f"{disk.iv_name} ({show_size(disk.size)})"
        yield Step(
            do=lvm.create.on(name, *self.data, disk.size, self.params.data_stripes),
            undo=lvm.remove.on(name, *self.data), title=f"create {sizes} on {name}")
        yield Step(
            do=lvm.create.on(name, *self.meta, self.children[1].size, self.params.meta_stripes,
                             metadata=True),
            undo=lvm.remove.on(name, *self.meta),
            title=f"create the metadata of {disk.iv_name} on {name}")

    def unpaired(self) -> Step:
        """Metadata outlives no data: it would call an empty volume the newest copy."""
        return Step(do=lvm.unpair.on(self.node.name, *self.data, *self.meta),
                    title=f"look for metadata of {self.disk.iv_name} without data on "
                          f"{self.node.name}")

    def unmake(self) -> Iterator[Step]:
        name, disk = self.node.name, self.disk
        yield Step(do=tasks.down.on(*self.device), title=f"let go of {disk.iv_name} on {name}")
        yield Step(do=lvm.remove.on(name, *self.meta),
                   title=f"remove the metadata of {disk.iv_name} from {name}")
        yield Step(do=lvm.remove.on(name, *self.data), title=f"remove {disk.iv_name} from {name}")

    def attach(self, *, undone: bool) -> Step:
        """The device is there; ``undone`` by being let go of."""
        return Step(
            do=tasks.attach.on(*self.device, path(self.children[1]), helper(self.cfg.cluster),
                               disk_words(self.params)),
            undo=tasks.down.on(*self.device) if undone else None,
            title=f"attach {self.disk.iv_name} on {self.node.name}")

    def connect(self, *, anew: bool = False, back: Side | None = None) -> Step:
        """It looks for the other side; ``anew``: which has nothing yet; ``back``: taken back by
        looking for another one, as ``back`` does."""
        return Step(do=self._connect(anew), undo=back._connect(True) if back else None,
                    title=f"connect {self.disk.iv_name} on {self.node.name} with "
                          f"{self.peer.node.name}")

    def _connect(self, anew: bool) -> Call[None]:
        return tasks.connect.on(*self.device, self.address, self.peer.address, self.secret,
                                net_words(self.params), anew)

    def join(self, *, undone: bool) -> Iterator[Step]:
        """Attached and looking for the other side."""
        yield self.attach(undone=undone)
        yield self.connect()

    def met(self) -> Step:
        return Step(do=tasks.meet.on(*self.device, seconds=30),
                    title=f"{self.disk.iv_name}: find the copy on {self.peer.node.name}")

    def promoted(self, *, anyway: bool = False, undone: bool = True) -> Step:
        return Step(
            do=tasks.promote.on(*self.device, anyway),
            undo=tasks.demote.on(*self.device) if undone else None,
            title=f"{self.disk.iv_name}: {self.node.name} writes to it")


def minor(disk: Disk, node: Node) -> int:
    """Which of the node's devices is the disk's."""
    return int(disk.logical_id[3 + disk.logical_id.index(node.uuid)])


def sides(cfg: Config, disk: Disk, first: Node | None = None) -> list[Side]:
    """Both sides, without a node that is offline; ``first`` in front."""
    nodes = online(cfg, disk)
    if first is not None:
        nodes.sort(key=lambda node: node.uuid != first.uuid)
    return [Side(cfg, disk, node) for node in nodes]
