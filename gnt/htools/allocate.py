"""Where to put new instances: hail's rules.

Within a group every node (or ordered pair of nodes) that takes the instance is compared by the
cluster's score after it.  Groups follow their allocation policy, then the score.  With capacity
checks a place counts only if afterwards every node could still be evacuated.
"""

from __future__ import annotations

from gnt.errors import NoCapacity
from gnt.htools import arrays, policy
from gnt.htools.show import number
from gnt.htools.world import ALLOC_POLICIES, Instance, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gnt.htools_ext.state import State

FAILURES = ("FailMem", "FailDisk", "FailCPU", "FailN1", "FailTags", "FailMig", "FailDiskCount",
            "FailSpindles", "FailInternal")


class NoRoom(NoCapacity):
    """An instance fits nowhere; the message says why, ``rejected`` by node where that is known."""

    def __init__(
        self, message: str, *, hint: str = "", rejected: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.rejected = rejected


class Options(Record):
    capacity: bool = True
    force: bool = False
    accept_existing: bool = False
    restrict: tuple[str, ...] | None = None  # node names
    ignore_groups: tuple[int, ...] = ()  # not looked at by capacity checks


class Solution(Record):
    """The outcome for one set of nodes."""

    place: tuple[int, int] | None
    score: float
    fits: int
    failures: tuple[int, ...]
    log: str

    def counts(self) -> str:
        return ", ".join(f"{FAILURES[k]}: {n}" for k, n in enumerate(self.failures) if n)


class Ground:
    """A world that instances are put into, one after the other."""

    def __init__(self, world: World, options: Options, coming: Sequence[Instance] = ()) -> None:
        """``coming``: the instances that may be put here (their tags get numbers)."""
        from gnt.htools_ext.allocate import Allocator
        from gnt.htools_ext.state import State

        self.world, self.options = world, options
        arrays.limited((*world.instances, *coming))
        self.rows = arrays.Rows(world)
        rows = [self.rows.row(i) for i in world.instances]
        for inst in coming:
            self.rows.row(inst)
        self.limits = arrays.migrations(world)
        self.state = State([arrays.node_row(world, n) for n in world.nodes], rows,
                           len(self.rows.tag.of), self.rows.members, self.limits, self.rows.places)
        self.allocator = Allocator(self.state)
        self.instances = list(world.instances)
        self.simple = all(map(plain, world.instances)) and not self.limits and not any(
            n.exclusive_storage for n in world.nodes)
        self._redundant: dict[int, bool] = {}
        self._last: tuple[object, tuple[object, ...], list[int]] | None = None

    def redundant(self, state: State | None = None, within: int = -1) -> bool:
        """Could every node (of the group ``within``) be lost?"""
        from gnt.htools_ext.evacuate import can_evacuate

        refusals = policy.Refusals(self.world.replace(instances=tuple(self.instances)))
        state = state or self.state
        for k, n in enumerate(self.world.nodes):
            if n.group in self.options.ignore_groups or within not in (-1, n.group):
                continue
            if self.options.accept_existing and n.offline:
                continue
            if not can_evacuate(state, k, refusals):
                return False
        return True

    def check(self, inst: Instance, row: tuple[object, ...], capacity: bool | None = None,
              within: int = -1) -> Callable[[int, int], bool] | None:
        """What a place must pass besides fitting."""
        if not (self.options.capacity if capacity is None else capacity):
            return None
        if within not in self._redundant:
            self._redundant[within] = self.redundant(None, within)
        if not self._redundant[within]:  # and more instances do not make it so
            return lambda pri, sec: False
        if self.certain(inst):
            return None

        def passes(pri: int, sec: int) -> bool:
            from gnt.htools_ext.allocate import Allocator

            trial = self.state.copy()
            self.instances.append(inst)
            try:
                return Allocator(trial).place(row, pri, sec, self.options.force) >= 0 \
                    and self.redundant(trial, within)
            finally:
                self.instances.pop()

        return passes

    def certain(self, inst: Instance) -> bool:
        """Capacity follows from N+1: mirrored instances only, nothing fails, nothing is forced."""
        return (self.simple and plain(inst) and not self.options.force
                and not self.state.failing())

    def search(self, inst: Instance, nodes: list[int], pairs: bool, count: bool = True, *,
               capacity: bool | None = None, within: int = -1,
               ) -> tuple[int, int, float] | None:
        """The best place: (primary, secondary or -1, score); why not is in ``allocator``.

        ``within``: only this group is scored, and only its nodes must be ones that can be lost.
        """
        row, refusals = self.known(inst)
        return self.allocator.find(row, nodes, refusals, pairs, self.options.force,
                                   self.check(inst, row, capacity, within), count, None, within)

    def known(self, inst: Instance) -> tuple[tuple[object, ...], list[int]]:
        """What the kernels need of an instance; made once for equal ones that follow each other."""
        size = (inst.mem, inst.dsk, inst.vcpus, inst.spindle_use, inst.disks, inst.template,
                inst.status, inst.auto_balance, inst.forthcoming, inst.load)
        if self._last is None or self._last[0] != size or inst.tags or inst.networks:
            arrays.limited((inst,))
            self._last = size, self.rows.row(inst), policy.by_node(self.world, inst)
        return self._last[1:]

    def find(self, inst: Instance, nodes: list[int], pairs: bool, within: int = -1) -> Solution:
        """The best place for an instance on these nodes, described."""
        found = self.search(inst, nodes, pairs, within=within)
        return self.describe(found, self.allocator.found, tuple(self.allocator.failures))

    def find_with(self, inst: Instance, pri: int, nodes: list[int], within: int = -1) -> Solution:
        """The best secondary for a primary that is given."""
        row = self.rows.row(inst)
        found = self.allocator.find(
            row, nodes, policy.by_node(self.world, inst), True, self.options.force,
            self.check(inst, row), True, [pri], within)
        return self.describe(found, self.allocator.found, tuple(self.allocator.failures))

    def describe(self, found: tuple[int, int, float] | None, fits: int,
                 failures: tuple[int, ...]) -> Solution:
        if found is None:
            return describe(self.world, None, None, fits, failures)
        return describe(self.world, found[:2], number(found[2], 8), fits, failures).replace(
            score=found[2])

    def put(self, inst: Instance, place: tuple[int, int], name: str = "") -> int:
        """Put an instance (or another like it, with its name) there; returns its index."""
        row = self.rows.row(inst) if inst.tags else self.known(inst)[0]
        index = self.allocator.place(row, *place, self.options.force)
        if index < 0:
            raise NoRoom(f"{name or inst.name}: {FAILURES[-1 - index]}")
        self.instances.append(inst.replace(
            name=name or inst.name, pri=place[0], sec=place[1]))
        self.simple = self.simple and plain(inst) and not self.options.force
        return index

    def withdraw(self, index: int) -> None:
        """Take an instance away."""
        self.state.withdraw(index)
        self.simple = False

    def after(self) -> World:
        """The world as it is now."""
        places = zip(self.instances, self.state.places(), strict=True)
        return arrays.followed(self.world, self.state).replace(instances=tuple(
            i.replace(pri=p, sec=s) for i, (p, s) in places if p >= 0))

    def open_nodes(self, group: int | None, drop_unallocable: bool = False) -> list[int]:
        """Online nodes, as far as options and groups allow."""
        return [
            k for k, n in enumerate(self.world.nodes)
            if not self.state.node(k)["offline"] and (group is None or n.group == group)
            and (self.options.restrict is None or n.name in self.options.restrict)
            and (not drop_unallocable or self.world.groups[n.group].allocable)
        ]


def describe(world: World, place: tuple[int, int] | None, score: str | None, fits: int,
             failures: tuple[int, ...]) -> Solution:
    """A solution with the line that says it."""
    bare = Solution(place=place, score=0.0, fits=fits, failures=failures, log="")
    if place is None:
        why = bare.counts() if any(failures) else "unknown reasons"
        return bare.replace(log=f"No valid allocation solutions, failure reasons: {why}")
    names = "/".join(world.nodes[k].name for k in place if k >= 0)
    return bare.replace(log=f"score: {score}, successes {fits}, failures {sum(failures)} "
                            f"({bare.counts()}) for node(s) {names}")


def plain(inst: Instance) -> bool:
    """Mirrored, running and balanced: its reservation is all that its node's loss needs."""
    return inst.mirrored and inst.auto_balance and inst.running and not inst.forthcoming


def has_networks(world: World, group: int, inst: Instance) -> bool:
    known = world.groups[group].networks
    return all(net is None or net in known for net in inst.networks)


def require_networks(world: World, group: int, inst: Instance) -> None:
    if not has_networks(world, group, inst):
        raise NoRoom(f"The group {world.groups[group].name} is not connected to a network required "
                     f"by instance {inst.name}")


def enough_nodes(ground: Ground, group: int, pairs: bool) -> list[int]:
    """The group's open nodes; raises NoRoom when no instance could find its places among them."""
    nodes = ground.open_nodes(group)
    if len(nodes) < (2 if pairs else 1):
        raise NoRoom("Not enough online nodes" if pairs else "No online nodes")
    return nodes


def no_answer(world: World, group: int, error: NoRoom) -> str:
    """What is said, among other groups, of one that cannot be looked at."""
    return f"Group {world.groups[group].name}: error {error.message}"


class Choice(Record):
    """A group's solution."""

    group: int
    solution: Solution
    message: str


def try_group(ground: Ground, group: int, inst: Instance, pairs: bool, alone: bool = False,
              ) -> Choice:
    """``alone``: as if there were no other group; raises NoRoom when it has too few nodes."""
    nodes = enough_nodes(ground, group, pairs)
    solution = ground.find(inst, nodes, pairs, group if alone else -1)
    at = ground.world.groups[group]
    return Choice(group=group, solution=solution,
                  message=f"Group {at.name} ({at.alloc_policy}): {solution.log}")


def best_group(ground: Ground, inst: Instance, pairs: bool,
               allowed: Sequence[int] | None = None) -> tuple[Choice, list[str]]:
    """The group to use and what to say about all; raises NoRoom with that."""
    world = ground.world
    present = sorted({n.group for n in world.nodes})
    groups = [g for g in present if allowed is None or g in allowed]
    messages, choices = [], []
    for g in groups:
        if not has_networks(world, g, inst):
            messages.append(f"group {world.groups[g].name} is not connected to a network required "
                            f"by instance {inst.name}")
    for g in groups:
        if has_networks(world, g, inst):
            try:
                choices.append(try_group(ground, g, inst, pairs))
                messages.append(choices[-1].message)
            except NoRoom as error:
                messages.append(no_answer(world, g, error))
    good = [c for c in choices[::-1] if c.solution.place and world.groups[c.group].allocable]
    if not good:
        raise NoRoom(", ".join(messages) if groups else
                     f"no groups for evacuation: allowed groups was {list(allowed or ())}, "
                     f"all groups: {present}")
    good.sort(key=lambda c: (ALLOC_POLICIES.index(world.groups[c.group].alloc_policy),
                             c.solution.score))
    return good[0], messages


def allocate(
    ground: Ground, inst: Instance, pairs: bool, group: str | None,
) -> tuple[Solution, str]:
    """One instance anywhere, or in a named group; the place is not taken yet."""
    world = ground.world
    if group is None:
        choice, messages = best_group(ground, inst, pairs)
        chosen = f"Selected group: {world.groups[choice.group].name}"
        return choice.solution, ", ".join([chosen, *messages])
    at = world.group_index(group)
    if at is None:
        raise NoRoom(f"there is no group {group!r}")
    require_networks(world, at, inst)
    choice = try_group(ground, at, inst, pairs, alone=True)
    return choice.solution, choice.message
