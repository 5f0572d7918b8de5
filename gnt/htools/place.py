"""Placement inside gnt: where an instance should go, and why not elsewhere.

The commands' one door to the allocator; pure, from a :class:`World`.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.htools import evacuate as moving
from gnt.htools.allocate import FAILURES, Ground, NoRoom, Options, allocate
from gnt.htools.moves import R
from gnt.htools.names import find
from gnt.htools.world import Disk, Instance, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WHY = {
    "FailMem": "not enough memory (or N+1 would fail)", "FailDisk": "not enough disk, or the "
    "policy's disk limits", "FailCPU": "too many virtual CPUs", "FailN1": "a node's loss could no "
    "longer be survived", "FailTags": "an instance with the same exclusion tag is there",
    "FailMig": "migration there is not allowed", "FailDiskCount": "the policy's number of disks",
    "FailSpindles": "not enough spindles", "FailInternal": "no policy allows this size",
}


class Wish(Record):
    """An instance to be placed."""

    name: str
    memory: int  # MiB
    disks: tuple[int, ...] = ()  # MiB each
    vcpus: int = 1
    template: str = "drbd"
    spindle_use: int = 1
    tags: tuple[str, ...] = ()
    networks: tuple[str | None, ...] = ()
    group: str = ""  # name or uuid; empty: any
    nodes: tuple[str, ...] | None = None  # only these

    def instance(self) -> Instance:
        meta = 128 * len(self.disks) if self.template == "drbd" else 0
        return Instance(
            name=self.name, mem=self.memory, dsk=sum(self.disks) + meta, vcpus=self.vcpus,
            status="running", pri=-1, template=self.template, tags=self.tags,
            spindle_use=self.spindle_use, networks=self.networks,
            disks=tuple(Disk(size=s, spindles=1) for s in self.disks))


class Placement(Record):
    """Where it goes; ``rejected`` says for every other node why it was not the primary."""

    nodes: tuple[str, ...]
    score: float
    summary: str
    rejected: tuple[tuple[str, str], ...]


class Space:
    """A cluster in which several instances are placed, one after the other."""

    def __init__(self, world: World, wishes: Sequence[Wish] = (), *, capacity: bool = True) -> None:
        """``wishes``: what will be placed (their tags have to be known from the start)."""
        self.world = world
        self.ground = Ground(world, Options(capacity=capacity), [w.instance() for w in wishes])

    def place(self, wish: Wish) -> Placement:
        """Choose, and count the instance as being there; raises NoRoom saying why nowhere."""
        inst = wish.instance()
        self.ground.options = self.ground.options.replace(restrict=wish.nodes)
        rejected = self.rejections(inst)
        try:
            solution, summary = allocate(self.ground, inst, inst.mirrored, wish.group or None)
        except NoRoom as error:
            raise self.no_room(wish, rejected, error.message) from None
        if solution.place is None:
            raise self.no_room(wish, rejected, summary)
        place = solution.place
        self.ground.put(inst, place)
        names = tuple(self.world.nodes[k].name for k in place if k >= 0)
        return Placement(nodes=names, score=solution.score, summary=summary,
                         rejected=tuple(r for r in rejected if r[0] not in names))

    def no_room(self, wish: Wish, rejected: tuple[tuple[str, str], ...], summary: str) -> NoRoom:
        reasons = "; ".join(f"{name}: {why}" for name, why in rejected[:8])
        return NoRoom(f"there is no room for {wish.name}: {reasons or summary}",
                      hint="hspace -L shows what fits")

    def rejections(self, inst: Instance) -> tuple[tuple[str, str], ...]:
        """Why each node cannot run it; nodes that could are left out."""
        from gnt.htools import policy

        row = self.ground.rows.row(inst)
        whys = self.ground.allocator.refusals(row)
        refused = policy.by_node(self.world, inst)
        found = []
        for k, n in enumerate(self.world.nodes):
            why = refused[k] if refused[k] >= 0 else whys[k]
            if n.offline:
                found.append((n.name, "offline or drained"))
            elif why >= 0:
                found.append((n.name, WHY[FAILURES[why]]))
        return tuple(found)


def place(world: World, wish: Wish, *, capacity: bool = True) -> Placement:
    """Where one instance should go."""
    return Space(world, [wish], capacity=capacity).place(wish)


class Evacuated(Record):
    """What takes instances off nodes: per instance the new nodes and the steps."""

    moves: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...]
    failed: tuple[tuple[str, str], ...]


def evacuate(world: World, instances: Sequence[str], mode: str) -> Evacuated:
    """``mode``: primary-only, secondary-only, all.  Steps are (migrate|replace-disks, target)."""
    ground = Ground(world, Options())
    names = [i.name for i in world.instances]
    done = moving.evacuate(ground, [find(n, names, "instance") for n in instances], mode)
    return _evacuated(world, done)


def change_group(world: World, instances: Sequence[str], groups: Sequence[str]) -> Evacuated:
    """Move instances to one of the groups (any other, when none is given)."""
    ground = Ground(world, Options())
    names = [i.name for i in world.instances]
    chosen = []
    for name in groups:
        at = world.group_index(name)
        if at is None:
            raise GntError(f"there is no group {name!r}")
        chosen.append(at)
    done = moving.change_group(ground, [find(n, names, "instance") for n in instances], chosen)
    return _evacuated(world, done)


def _evacuated(world: World, done: moving.Evacuation) -> Evacuated:
    def node(k: int) -> str:
        return world.nodes[k].name if k >= 0 else ""

    return Evacuated(
        moves=tuple((
            world.instances[m.inst].name, tuple(node(k) for k in m.nodes),
            tuple(("replace-disks" if kind == R else "migrate", node(t))
                  for kind, t in m.steps)) for m in done.moved),
        failed=tuple((world.instances[k].name, why) for k, why in done.failed))
