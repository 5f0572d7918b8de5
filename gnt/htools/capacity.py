"""How much more fits: repeated placement of equal instances, and of ever smaller ones.

Every instance goes where hail would put it.  Tiered: the largest instance until none fits, then
the resource that most often stood in the way is made smaller, until something changes.
"""

from __future__ import annotations

from functools import partial

from gnt.htools import policy
from gnt.htools.allocate import FAILURES, Ground, Options
from gnt.htools.world import Disk, Instance, Spec, World
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Holds = Callable[[bool, tuple[int, ...]], bool]

UNIT_MEM, UNIT_DSK = 64, 256  # MiB
MEM, DSK, CPU, SPN = policy.FAIL_MEM, policy.FAIL_DISK, policy.FAIL_CPU, policy.FAIL_SPN


class Shape(Record):
    """The size of an instance to place."""

    mem: int
    dsk: int
    cpu: int
    spn: int

    def instance(self, template: str, spindle_use: int) -> Instance:
        return Instance(name="new", mem=self.mem, dsk=self.dsk, vcpus=self.cpu, status="running",
                        pri=-1, template=template, spindle_use=spindle_use,
                        disks=(Disk(size=self.dsk, spindles=self.spn),))


class Filled(Record):
    """What was placed, in order, and why it ended: (failure, count), the most frequent first."""

    shapes: tuple[Shape, ...]
    reasons: tuple[tuple[int, int], ...]


def ranked(failures: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(enumerate(failures), key=lambda e: -e[1]))


class Filler:
    """Puts instances into a ground until nothing fits."""

    def __init__(self, ground: Ground, nodes: list[int], template: str, spindle_use: int) -> None:
        self.ground, self.nodes = ground, nodes
        self.template, self.spindle_use = template, spindle_use
        self.pairs = template == "drbd"
        self.capacity = ground.options.capacity
        self.placed: list[Shape] = []
        self.failures: tuple[int, ...] = (0,) * len(FAILURES)

    def fill(self, shape: Shape, limit: int | None) -> None:
        """Place instances of one shape until none fits, or ``limit`` are placed.

        As in the reference, what fits in the end is counted without looking at capacity where
        this never stood in the way.
        """
        inst = shape.instance(self.template, self.spindle_use)
        free = True
        while True:
            full = limit is not None and limit <= 0
            unchecked = full and free and self.ground.options.capacity and self.ground.redundant()
            place = self.ground.search(inst, self.nodes, self.pairs, full,
                                       capacity=False if unchecked else None)
            free = free and not self.ground.allocator.failures[policy.FAIL_N1]
            if place is None and not full:
                self.ground.search(inst, self.nodes, self.pairs)
            if place is None or full:
                self.failures = tuple(self.ground.allocator.failures)
                return
            self.ground.put(inst, place[:2], f"new-{len(self.placed)}")
            self.placed.append(shape)
            limit = None if limit is None else limit - 1

    def tiers(self, shape: Shape, limit: int | None) -> None:
        """Place ever smaller instances.

        What most often stands in the way is made smaller by one unit, again and again, until
        something fits.  If that leads nowhere, one resource is made smaller until it alone
        suffices, beginning with the smallest shape that was tried.  As in the reference every
        step takes all that are placed off the limit again.
        """
        found: tuple[Shape, int | None] | None = (shape, limit)
        while found is not None:
            self.fill(*found)
            found = self.next_shape(Level(
                shape=found[0], failures=self.failures, limit=found[1]))

    def next_shape(self, level: Level) -> tuple[Shape, int | None] | None:
        """The next shape of which something fits, with its limit."""
        count, checked = len(self.placed), self.ground.options.capacity
        tried: list[Level] = []
        while not level.ended(count):
            tried.append(level)
            cause = main_cause(level.failures)
            steps = self.smaller(level.shape, cause).up_to(level.steps(count))
            down = self.first(steps, partial(other_cause, cause), checked)
            if down is None:
                tried += self.last_levels(level, steps, count)
                break
            fits, failures = self.attempt(steps[down], checked)
            level = level.below(steps[down], failures, down + 1, count)
            if fits:
                return level.shape, level.limit
        return self.enough(tried, count)

    def last_levels(self, level: Level, steps: Steps, count: int) -> list[Level]:
        """The smallest of these shapes after which the limit would have let us go on."""
        for down in range(len(steps), max(0, len(steps) - 2), -1):
            shape = steps[down - 1]
            why = self.attempt(shape, self.ground.options.capacity)[1]
            below = level.below(shape, why, down, count)
            if not below.ended(count):
                return [below]
        return []

    def enough(self, tried: list[Level], count: int) -> tuple[Shape, int | None] | None:
        """The first shape that fits when one resource is made smaller still.

        CPUs only where they stand in the way most: so the reference was seen to do it.
        """
        for level in reversed(tried):
            for cause in reversed(sorted(range(len(FAILURES)), key=level.failures.__getitem__)):
                if not level.failures[cause] or (
                        cause == CPU and cause != main_cause(level.failures)):
                    continue
                found = self.until_fits(level.shape, cause)
                if found is not None:
                    return found, level.below(found, (), 1, count).limit
        return None

    def attempt(self, shape: Shape, checked: bool) -> tuple[bool, tuple[int, ...]]:
        """Does a shape fit, and where not, why; ``checked``: and nodes can still be lost."""
        place = self.ground.search(shape.instance(self.template, self.spindle_use), self.nodes,
                                   self.pairs, capacity=checked)
        return place is not None, tuple(self.ground.allocator.failures)

    def smaller(self, shape: Shape, cause: int) -> Steps:
        """The shapes below this one that some policy does not find too small."""
        world = self.ground.world
        policies = [world.groups[g].policy for g in {world.nodes[k].group for k in self.nodes}]
        return Steps(shape, cause, [low for p in policies for low, _ in p.minmax])

    def first(self, steps: Steps, holds: Holds, checked: bool) -> int | None:
        """The first for which something holds.

        Once it holds without looking at capacity it goes on holding, until a policy finds the shape
        too small; with capacity it need not.
        """
        low = -1
        for high in steps.marks():
            if not holds(*self.attempt(steps[high], False)):
                low = high
                continue
            while high - low > 1:
                middle = (low + high) // 2
                if holds(*self.attempt(steps[middle], False)):
                    high = middle
                else:
                    low = middle
            while checked and high < len(steps) and not holds(*self.attempt(steps[high], True)):
                high += 1
            return high if high < len(steps) else None
        return None

    def until_fits(self, shape: Shape, cause: int) -> Shape | None:
        """The first smaller shape that fits, if this cause stands in the way until then."""
        def over(fits: bool, failures: tuple[int, ...]) -> bool:
            return fits or not failures[cause]

        steps = self.smaller(shape, cause)
        found = self.first(steps, over, self.capacity)
        fits = found is not None and self.attempt(steps[found], self.capacity)[0]
        return steps[found] if found is not None and fits else None


class Level(Record):
    """A shape of which nothing (more) fits, why, and the limit it was placed with."""

    shape: Shape
    failures: tuple[int, ...]
    limit: int | None

    def ended(self, count: int) -> bool:
        """Whether the limit ends it, after so many were placed."""
        return self.limit is not None and self.limit <= count

    def steps(self, count: int) -> int | None:
        """How many levels the limit lets follow; None: any number."""
        return -(-(self.limit - count) // count) if self.limit is not None and count else None

    def below(self, shape: Shape, failures: tuple[int, ...], down: int, count: int) -> Level:
        """The level so many steps further down."""
        limit = None if self.limit is None else self.limit - down * count
        return Level(shape=shape, failures=failures, limit=limit)


def other_cause(cause: int, fits: bool, failures: tuple[int, ...]) -> bool:
    return fits or main_cause(failures) != cause


def main_cause(failures: tuple[int, ...]) -> int:
    """The most frequent failure; of equal ones the last."""
    return max(range(len(failures)), key=lambda k: (failures[k], k))


FIELDS = {MEM: ("mem", UNIT_MEM), DSK: ("dsk", UNIT_DSK), CPU: ("cpu", 1), SPN: ("spn", 1)}


class Steps:
    """Ever smaller shapes, one resource a unit less each, made when asked for."""

    def __init__(self, shape: Shape, cause: int, lows: list[Spec]) -> None:
        """``lows``: the smallest sizes that policies allow."""
        self.shape = shape
        self.field, self.unit = FIELDS.get(cause, ("", 1))
        bounds = {"mem": [s.memory for s in lows], "dsk": [s.disk_size for s in lows],
                  "cpu": [s.cpus for s in lows], "spn": [0]}
        known = all(getattr(shape, name) >= min(sizes, default=0) for name, sizes in bounds.items())
        self.lows = bounds.get(self.field, [])
        self.count = max(0, self.above(min(self.lows, default=0))) if self.field and known else 0

    def above(self, low: int) -> int:
        """How many steps do not go below a size (or the unit)."""
        return int((getattr(self.shape, self.field) - max(self.unit, low)) // self.unit)

    def marks(self) -> list[int]:
        """The last steps that some policy finds large enough; the last of all is one."""
        found = {min(self.above(low), self.count) - 1 for low in self.lows} | {self.count - 1}
        return sorted(k for k in found if k >= 0)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> Shape:
        value = getattr(self.shape, self.field) - (k + 1) * self.unit
        return self.shape.replace(**{self.field: value})

    def up_to(self, most: int | None) -> Steps:
        """Only so many of these."""
        self.count = self.count if most is None else min(self.count, most)
        return self


def filler(world: World, options: Options, nodes: list[int] | None, template: str,
           spindle_use: int) -> Filler:
    """A filler for a world; mirrored instances are not checked for capacity (N+1 sees to it)."""
    ground = Ground(world, options)
    fill = Filler(ground, nodes if nodes is not None else ground.open_nodes(None, True), template,
                  spindle_use)
    if fill.pairs:
        ground.options = options.replace(capacity=False)
    return fill


def standard(fill: Filler, shape: Shape, limit: int | None) -> Filled:
    fill.fill(shape, limit)
    return Filled(shapes=tuple(fill.placed), reasons=ranked(fill.failures))


def tiered(fill: Filler, shapes: list[Shape], limit: int | None) -> Filled:
    reasons: tuple[tuple[int, int], ...] = ()
    for shape in shapes:
        if limit is None or len(fill.placed) < limit:
            fill.tiers(shape, None if limit is None else limit - len(fill.placed))
            reasons = ranked(fill.failures)
    return Filled(shapes=tuple(fill.placed), reasons=reasons)


class Totals(Record):
    """The cluster's resources, as hspace sums them."""

    score: float
    instances: int
    mem_free: int
    mem_avail: int
    mem_inst: int
    mem_over: int
    dsk_free: int
    dsk_avail: int
    dsk_inst: int
    spn_free: int
    spn_inst: int
    cpu_inst: int
    cpu_norm: float  # used vCPUs in terms of physical ones
    node_mem: int
    node_dsk: int
    t_mem: float
    t_dsk: float
    t_cpu: float
    t_spn: float
    v_cpu: int


def totals(ground: Ground) -> Totals:
    world, state = ground.world, ground.state
    figures = [state.node(k) for k in range(len(world.nodes))]
    ratios = [world.policy_of(n).vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio
              for n in world.nodes]
    avail = [max(0, int(f["u_mem"] - f["r_mem"])) for f in figures]
    space = [max(0, int(f["f_dsk"]) - int(n.min_disk * n.t_dsk))
             for f, n in zip(figures, world.nodes, strict=True)]
    spindles = sum(int(f["f_spn"]) for f in figures)
    dsk_free = sum(int(f["f_dsk"]) for f in figures)
    used = [int(f["u_cpu"]) for f in figures]
    return Totals(
        score=state.score(), instances=sum(int(f["pri"]) for f in figures),
        mem_free=sum(int(f["u_mem"]) for f in figures), mem_avail=sum(avail),
        mem_inst=sum(int(f["i_mem"]) for f in figures),
        mem_over=sum(int(f["x_mem"]) + n.n_mem for f, n in zip(figures, world.nodes, strict=True)),
        dsk_free=dsk_free, dsk_avail=sum(space),
        dsk_inst=sum(int(n.t_dsk) for n in world.nodes) - dsk_free, spn_free=spindles,
        spn_inst=sum(n.spindles for n in world.nodes) - spindles, cpu_inst=sum(used),
        cpu_norm=sum((u / r if r else 0.0) for u, r in zip(used, ratios, strict=True)),
        node_mem=max(avail, default=0), node_dsk=max(space, default=0),
        t_mem=sum(n.t_mem for n in world.nodes), t_dsk=sum(n.t_dsk for n in world.nodes),
        t_cpu=sum(n.t_cpu for n in world.nodes), t_spn=float(sum(n.spindles for n in world.nodes)),
        v_cpu=sum(int(r * n.t_cpu) for r, n in zip(ratios, world.nodes, strict=True)),
    )
