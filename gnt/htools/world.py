"""The one model of a cluster for everything that places, moves or counts room.

A :class:`World` is what was observed: groups, nodes, instances, tags, policies, in the order in
which they were listed (which decides between equals).  Sizes are MiB.  What changes while planning
lives in :class:`gnt.htools_ext.state.State`, made by :func:`gnt.htools.arrays.state`.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DISKLESS, FILE, SHAREDFILE, PLAIN = "diskless", "file", "sharedfile", "plain"
TEMPLATES = (
    DISKLESS, FILE, SHAREDFILE, PLAIN, "blockdev", "drbd", "rbd", "ext", "gluster",
)
MIRROR_NONE, MIRROR_INTERNAL, MIRROR_EXTERNAL, MIRROR_NOTHING = 0, 1, 2, 3
MIRROR = {
    DISKLESS: MIRROR_NOTHING, FILE: MIRROR_NONE, PLAIN: MIRROR_NONE, "drbd": MIRROR_INTERNAL,
    SHAREDFILE: MIRROR_EXTERNAL, "blockdev": MIRROR_EXTERNAL, "rbd": MIRROR_EXTERNAL,
    "ext": MIRROR_EXTERNAL, "gluster": MIRROR_EXTERNAL,
}
MOVABLE = frozenset(("drbd", "blockdev", SHAREDFILE, "gluster", "rbd", "ext"))
MADE_ANEW = frozenset((FILE, PLAIN, "blockdev"))  # elsewhere, when their node is lost
LOCAL = frozenset(("drbd", PLAIN))  # counted on the nodes' disks

STATUSES = (
    "running", "ERROR_up", "ERROR_down", "ERROR_nodedown", "ERROR_nodeoffline",
    "ERROR_wrongnode", "ADMIN_down", "ADMIN_offline", "USER_down",
)
WITHOUT_MEMORY = frozenset(("ERROR_down", "ADMIN_down", "ADMIN_offline", "USER_down"))
ALLOC_POLICIES = ("preferred", "last_resort", "unallocable")
BASE_LOAD = (1.0, 1.0, 1.0, 1.0)
NO_LOAD = (0.0, 0.0, 0.0, 0.0)


LONGEST = 400  # characters of a message
MOST_NODES = 20_000  # tables of pairs of them are 5 GB then


class BadData(GntError):
    """Cluster data that cannot be understood; the message names the place.

    It is one line, whatever of the data it quotes: that may be anything, and any amount of it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        if len(message) > LONGEST:
            message = f"{message[:LONGEST * 2 // 3]} … {message[-LONGEST // 3:]}"
        if not message.isprintable():
            message = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
        super().__init__(message, hint=hint)


class Spec(Record):
    """The size of an instance; ``disk_size`` is of each disk."""

    memory: int
    cpus: int
    disk_size: int
    disk_count: int
    nic_count: int
    spindle_use: int


class Policy(Record):
    std: Spec = Spec(memory=128, cpus=1, disk_size=1024, disk_count=1, nic_count=1, spindle_use=1)
    minmax: tuple[tuple[Spec, Spec], ...] = ((
        Spec(memory=128, cpus=1, disk_size=1024, disk_count=1, nic_count=1, spindle_use=1),
        Spec(memory=32768, cpus=8, disk_size=1048576, disk_count=16, nic_count=8, spindle_use=12),
    ),)
    templates: tuple[str, ...] = TEMPLATES
    vcpu_ratio: float = 4.0
    spindle_ratio: float = 32.0


class Group(Record):
    name: str
    uuid: str
    alloc_policy: str = "preferred"
    tags: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    policy: Policy = Policy()

    @property
    def allocable(self) -> bool:
        return self.alloc_policy != "unallocable"


class Outside(Record):
    """What a node holds for instances whose primary is in another group, which is cut off."""

    instances: tuple[int, ...] = ()  # the world's indices, without forthcoming ones
    peers: tuple[tuple[int, int], ...] = ()  # (the primary's index in the world, MiB reserved)
    load: float = 0.0  # of disks
    spindle_use: int = 0
    coming_dsk: int = 0  # of those that are forthcoming
    coming_use: int = 0
    coming_spindles: int = 0


class Node(Record):
    name: str
    group: int  # index
    t_mem: float = 0.0
    n_mem: int = 0
    f_mem: int = 0
    t_dsk: float = 0.0
    f_dsk: int = 0
    t_cpu: float = 0.0
    n_cpu: int = 0
    offline: bool = False
    set_off: bool = False  # by -O, not by what the cluster says
    master: bool = False
    spindles: int = 0
    free_spindles: int = 0
    tags: tuple[str, ...] = ()
    exclusive_storage: bool = False
    cpu_speed: float = 1.0
    hypervisor: str = ""
    cpu_load: float | None = None  # measured; None: the sum of its instances'
    vcpu_ratio: float | None = None  # overrides the group's policy (--max-cpu)
    min_disk: float = 0.0  # fraction of the disk to keep free (--min-disk)
    outside: Outside | None = None


class Disk(Record):
    size: int
    spindles: int | None = None


class Instance(Record):
    name: str
    mem: int
    dsk: int  # all disks, with what the template adds
    vcpus: int
    status: str
    pri: int
    sec: int = -1
    template: str = "drbd"
    auto_balance: bool = True
    tags: tuple[str, ...] = ()
    spindle_use: int = 1
    disks: tuple[Disk, ...] = ()
    forthcoming: bool = False
    networks: tuple[str | None, ...] = ()  # of the NICs
    load: tuple[float, float, float, float] = BASE_LOAD
    movable: bool = True  # allowed to move, as far as options say
    far: tuple[str, ...] = ()  # tags of the secondary node, where that is cut off

    @property
    def uses_memory(self) -> bool:
        return self.status not in WITHOUT_MEMORY and not self.forthcoming

    @property
    def running(self) -> bool:
        return self.status in ("running", "ERROR_up")

    @property
    def offline(self) -> bool:
        return self.status == "ADMIN_offline"

    @property
    def reserves(self) -> bool:
        """Needs its memory on the secondary when the primary is lost."""
        return self.auto_balance and not self.offline

    @property
    def mirrored(self) -> bool:
        """Has a secondary."""
        return self.template == "drbd"

    @property
    def spindles(self) -> int | None:
        """All disks' spindles; None when one is unknown."""
        known = [d.spindles for d in self.disks if d.spindles is not None]
        return sum(known) if len(known) == len(self.disks) else None


class World(Record):
    groups: tuple[Group, ...] = ()
    nodes: tuple[Node, ...] = ()
    instances: tuple[Instance, ...] = ()
    tags: tuple[str, ...] = ()
    policy: Policy = Policy()
    exclusion: tuple[str, ...] = ()  # more exclusion prefixes (--exclusion-tags), with colon

    def policy_of(self, node: Node) -> Policy:
        return self.groups[node.group].policy

    def group_index(self, name: str) -> int | None:
        """By name or uuid."""
        for k, group in enumerate(self.groups):
            if name in (group.name, group.uuid):
                return k
        return None

    def placed(self, places: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> World:
        """The same world with the instances on other nodes."""
        return self.replace(instances=tuple(
            i if (i.pri, i.sec) == p else i.replace(pri=p[0], sec=p[1])
            for i, p in zip(self.instances, places, strict=True)
        ))


class Part(Record):
    """One group cut out of a world; ``nodes`` and ``instances`` map its indices to the world's."""

    world: World
    nodes: tuple[int, ...]
    instances: tuple[int, ...]


def part(world: World, group: int) -> Part:
    """The group's nodes and the instances whose primary is there.

    A secondary in another group becomes -1, and the instance immovable; what the group's nodes hold
    as secondaries of other groups' instances stays counted there.
    """
    nodes = tuple(k for k, n in enumerate(world.nodes) if n.group == group)
    at = {k: j for j, k in enumerate(nodes)}
    chosen = tuple(k for k, i in enumerate(world.instances) if i.pri in at)
    return Part(
        world=world.replace(
            nodes=_with_outside(world, nodes, at),
            instances=tuple(_cut(world, world.instances[k], at) for k in chosen),
        ),
        nodes=nodes, instances=chosen,
    )


def _cut(world: World, inst: Instance, at: dict[int, int]) -> Instance:
    sec = at.get(inst.sec, -1)
    split = inst.sec >= 0 and sec < 0
    return inst.replace(pri=at[inst.pri], sec=sec, movable=inst.movable and not split,
                        far=world.nodes[inst.sec].tags if split else ())


def _with_outside(world: World, nodes: Sequence[int], at: Mapping[int, int]) -> tuple[Node, ...]:
    """The nodes with what they hold for others."""
    held: dict[int, list[int]] = {}
    for k, inst in enumerate(world.instances):
        if inst.sec in at and inst.pri not in at:
            held.setdefault(inst.sec, []).append(k)
    return tuple(
        world.nodes[k].replace(outside=_outside(world, held[k])) if k in held else world.nodes[k]
        for k in nodes)


def _outside(world: World, held: Sequence[int]) -> Outside:
    there = [(k, world.instances[k]) for k in held if not world.instances[k].forthcoming]
    coming = [i for i in map(world.instances.__getitem__, held) if i.forthcoming]
    peers: dict[int, int] = {}
    for _, i in there:
        peers[i.pri] = peers.get(i.pri, 0) + (i.mem if i.reserves else 0)
    return Outside(
        instances=tuple(k for k, _ in there), peers=tuple(peers.items()),
        load=sum((i.load[2] for _, i in there), 0.0),
        spindle_use=sum(i.spindle_use for _, i in there if i.template in LOCAL),
        coming_dsk=sum(i.dsk for i in coming if i.template in LOCAL),
        coming_use=sum(i.spindle_use for i in coming if i.template in LOCAL),
        coming_spindles=sum(i.spindles or 0 for i in coming))


def is_split(world: World, inst: Instance) -> bool:
    """Primary and secondary are in different groups."""
    return inst.sec >= 0 and world.nodes[inst.pri].group != world.nodes[inst.sec].group
