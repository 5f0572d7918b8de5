"""Placement inside gnt: where an instance should go, and why not elsewhere.

The commands' one door to the allocator; pure, from a :class:`World`.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.htools import evacuate as moving
from gnt.htools import spare
from gnt.htools.allocate import FAILURES, Ground, NoRoom, Options, allocate, has_networks
from gnt.htools.moves import FA, R
from gnt.htools.names import find
from gnt.htools.world import ALLOC_POLICIES, Disk, Instance, Node, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WHY = {
    "FailMem": "not enough memory", "FailDisk": "not enough disk", "FailCPU": "too many virtual "
    "CPUs", "FailN1": "a node's loss could no longer be survived", "FailTags": "an instance with "
    "the same exclusion tag is there", "FailMig": "migration there is not allowed",
    "FailDiskCount": "not that number of disks", "FailSpindles": "not enough spindles",
    "FailInternal": "no such instance",
}
POLICY = {
    "FailMem": "memory", "FailDisk": "disk size or template", "FailCPU": "number of virtual CPUs",
    "FailDiskCount": "number of disks", "FailSpindles": "spindles",
}


def why_not(node: Node, inst: Instance, failure: int) -> str:
    """A refusal in words."""
    name = FAILURES[failure]
    if name != "FailMem":
        return WHY[name]
    if node.f_mem <= inst.mem:
        return f"{node.f_mem} MiB of memory free"
    return "its free memory is kept for instances of nodes that may fail"


def against_policy(failure: int) -> str:
    return f"its group's policy does not allow this {POLICY.get(FAILURES[failure], 'size')}"


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
    """Where it goes; ``rejected`` says of nodes that could not take it why not."""

    nodes: tuple[str, ...]
    score: float
    summary: str
    rejected: tuple[tuple[str, str], ...]
    survives: bool = True  # the loss of any one node, still


class Space:
    """A cluster in which several instances are placed, one after the other."""

    def __init__(self, world: World, wishes: Sequence[Wish] = (), *, capacity: bool = True) -> None:
        """``wishes``: what will be placed (their tags have to be known from the start)."""
        self.world, self.capacity = world, capacity
        self.ground = Ground(world, Options(capacity=False), [w.instance() for w in wishes])

    @classmethod
    def over(cls, ground: Ground) -> Space:
        """The same on a ground that others use, too."""
        made = cls.__new__(cls)
        made.world, made.ground, made.capacity = ground.world, ground, False
        return made

    def place(self, wish: Wish) -> Placement:
        """Choose, and count the instance as being there; raises NoRoom saying why nowhere."""
        inst = wish.instance()
        rejected = dict(self.rejections(inst))
        left = [n.name for n in self.world.nodes if wish.nodes is None or n.name in wish.nodes]
        if self.capacity and not spare.survivable(
                self.world, self.ground.state, self.ground.instances):
            raise self.no_room(wish, tuple(rejected.items()), "FailN1")  # more makes it no better
        while True:
            place, score, summary = self._best(wish, inst, left, tuple(rejected.items()))
            names = tuple(self.world.nodes[k].name for k in place if k >= 0)
            if not self.capacity or self._survives(inst, place):
                break
            rejected[names[0]] = WHY["FailN1"]
            left.remove(names[0])
        self.ground.put(inst, place)
        return Placement(nodes=names, score=score, summary=summary, survives=self.capacity,
                         rejected=tuple(r for r in rejected.items() if r[0] not in names))

    def _best(
        self, wish: Wish, inst: Instance, nodes: Sequence[str],
        rejected: tuple[tuple[str, str], ...],
    ) -> tuple[tuple[int, int], float, str]:
        """(where, the score there, what the allocator says) among these nodes."""
        self.ground.options = self.ground.options.replace(restrict=tuple(nodes))
        try:
            solution, summary = allocate(self.ground, inst, inst.mirrored, wish.group or None)
        except NoRoom as error:
            raise self.no_room(wish, rejected, error.message) from None
        if solution.place is None:
            raise self.no_room(wish, rejected, summary)
        return solution.place, solution.score, summary

    def _survives(self, inst: Instance, place: tuple[int, int]) -> bool:
        """Whether with the instance there the loss of any one node finds memory elsewhere."""
        from gnt.htools_ext.allocate import Allocator

        trial = self.ground.state.copy()
        Allocator(trial).place(self.ground.rows.row(inst), *place, False)
        return spare.survivable(self.world, trial, [*self.ground.instances, inst])

    def no_room(self, wish: Wish, rejected: tuple[tuple[str, str], ...], summary: str) -> NoRoom:
        known = dict(rejected)
        for node in self.world.nodes:
            if wish.nodes is not None and node.name not in wish.nodes:
                known.setdefault(node.name, "not among the nodes to choose from")
            elif "FailN1" in summary and (not wish.group or self.in_group(node, wish.group)):
                known.setdefault(node.name, WHY["FailN1"])
        reasons = tuple(known.items())
        return NoRoom(f"there is no room for {wish.name}: {said(reasons) or summary}",
                      hint="hspace -L shows what fits", rejected=reasons)

    def in_group(self, node: Node, group: str) -> bool:
        return node.group == self.world.group_index(group)

    def rejections(self, inst: Instance) -> tuple[tuple[str, str], ...]:
        """Why each node cannot run it; nodes that could are left out."""
        from gnt.htools import policy

        row = self.ground.rows.row(inst)
        whys = self.ground.allocator.refusals(row)
        refused = policy.by_node(self.world, inst)
        found = []
        for k, n in enumerate(self.world.nodes):
            figures = self.ground.state.node(k)
            if figures["offline"]:
                found.append((n.name, "offline or drained" if n.t_mem else "it did not answer"))
            elif refused[k] >= 0:
                found.append((n.name, against_policy(refused[k])))
            elif whys[k] >= 0:
                now = n.replace(f_mem=max(0, int(figures["u_mem"])))
                found.append((n.name, why_not(now, inst, whys[k])))
        return tuple(found)

    def scores(self, wish: Wish) -> dict[str, float]:
        """The score with the instance (as primary) on each node that can take it: the cluster's,
        or its group's if one is wished for, as it is when that is chosen."""
        inst = wish.instance()
        refused = {name for name, _ in self.rejections(inst)}
        group = self.world.group_index(wish.group) if wish.group else None
        nodes, within = self.ground.open_nodes(group), -1 if group is None else group
        found = {}
        for k in nodes:
            solution = (self.ground.find_with(inst, k, nodes, within) if inst.mirrored
                        else self.ground.find(inst, [k], False, within))
            name = self.world.nodes[k].name
            if name not in refused and solution.place is not None:
                found[name] = solution.score
        return found


def said(rejected: Sequence[tuple[str, str]], most: int = 8) -> str:
    """Reasons in one line; of many nodes the first."""
    shown = "; ".join(f"{name}: {why}" for name, why in rejected[:most])
    return shown + (f"; and {len(rejected) - most} more" if len(rejected) > most else "")


def place(world: World, wish: Wish, *, capacity: bool = True) -> Placement:
    """Where one instance should go."""
    return Space(world, [wish], capacity=capacity).place(wish)


def prefer(world: World, wish: Wish) -> Placement:
    """Where the loss of any node could still be survived; without such a place, anywhere."""
    try:
        return place(world, wish)
    except NoRoom:
        return place(world, wish, capacity=False).replace(survives=False)


def explained(world: World, wish: Wish, made: Placement) -> tuple[tuple[str, str], ...]:
    """For every node but the chosen ones why it was not chosen as the primary."""
    space = Space(world, [wish], capacity=False)
    space.ground.options = space.ground.options.replace(restrict=wish.nodes)
    scores, rejected = space.scores(wish), dict(made.rejected)
    alone = ("no other node of its group can hold the second copy" if wish.instance().mirrored
             else "it cannot take it")
    found = []
    for k, n in enumerate(world.nodes):
        if n.name == made.nodes[0]:
            continue
        why = rejected.get(n.name) or _not_its_group(world, wish, k, made)
        if not why and n.name in scores:
            why = _less_good(scores[n.name], made.score)
        found.append((n.name, why or alone))
    return tuple(found)


def _not_its_group(world: World, wish: Wish, k: int, made: Placement) -> str:
    """Why no node of this one's group was looked at; empty: they were."""
    at = world.nodes[k].group
    if wish.group:
        return "" if world.group_index(wish.group) == at else "in another group"
    if not world.groups[at].allocable:
        return "its group takes no new instances"
    if not has_networks(world, at, wish.instance()):
        return "its group is not connected to a network of the instance"
    chosen = next(world.groups[n.group] for n in world.nodes if n.name == made.nodes[0])
    ranks = [ALLOC_POLICIES.index(g.alloc_policy) for g in (world.groups[at], chosen)]
    return "its group is a last resort, and a preferred one has room" if ranks[0] > ranks[1] else ""


def _less_good(score: float, best: float) -> str:
    if score > best:
        return (f"it fits, but the cluster's score would be {score:.4f} instead of {best:.4f} "
                "(lower is better)")
    return "it fits just as well, and of equals one is taken"


def relocate(world: World, name: str, allowed: Sequence[str]) -> Placement:
    """The best other node, of those allowed, for an instance that any node can run.

    Its group is not left.  Raises NoRoom saying of each node why not.
    """
    from gnt.htools_ext.evacuate import best_move

    at = find(name, [i.name for i in world.instances], "instance")
    ground = Ground(world, Options())
    home = world.nodes[world.instances[at].pri]
    targets = [k for k, n in enumerate(world.nodes)
               if n.name in allowed and k != world.instances[at].pri and not n.offline]
    best, score, refused = best_move(ground.state, at, FA, targets, home.group, False)
    rejected = tuple((world.nodes[k].name, why_not(world.nodes[k], world.instances[at], why))
                     for k, why in refused)
    if best < 0:
        raise NoRoom(f"no other node can take {name}: {said(rejected) or 'there is none'}",
                     hint="hspace -L shows what fits", rejected=rejected)
    return Placement(nodes=(world.nodes[best].name,), score=score, summary="", rejected=rejected)


class Evacuated(Record):
    """What takes instances off nodes: per instance the new nodes and the steps."""

    moves: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...]
    failed: tuple[tuple[str, str], ...]


def evacuate(
    world: World, instances: Sequence[str], mode: str, *, force: bool = False,
) -> Evacuated:
    """``mode``: primary-only, secondary-only, all.  Steps are (migrate|replace-disks, target)."""
    ground = Ground(world, Options(force=force))
    names = [i.name for i in world.instances]
    done = moving.evacuate(ground, [find(n, names, "instance") for n in instances], mode)
    return _evacuated(world, done)


def change_group(
    world: World, instances: Sequence[str], groups: Sequence[str], *, strict: bool = True,
) -> Evacuated:
    """Move instances to one of the groups (any other, when none is given).

    ``strict``: the loss of any node must remain survivable; else it is only preferred.
    """
    names = [i.name for i in world.instances]
    chosen = []
    for name in groups:
        at = world.group_index(name)
        if at is None:
            raise GntError(f"there is no group {name!r}")
        chosen.append(at)
    found = [find(n, names, "instance") for n in instances]
    done = moving.change_group(Ground(world, Options()), found, chosen)
    if done.failed and not strict:
        done = moving.change_group(Ground(world, Options(capacity=False)), found, chosen)
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
