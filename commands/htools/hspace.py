"""``hspace``: how many more instances fit."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import CHOICE, FIELDS, FILE, Limits
from gnt.errors import GntError
from gnt.htools import capacity, show
from gnt.htools.allocate import FAILURES, Ground, Options
from gnt.htools.capacity import Filled, Shape, Totals
from gnt.htools.names import Names
from gnt.htools.simulate import SIZES, size
from gnt.htools.world import TEMPLATES
from gnt.spec import opt, opts
from gnt.values import BOOL, TEXT, Kind, choice, natural, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.htools.capacity import Filler
    from gnt.htools.world import World
    from gnt.spec import Session

out = sys.stdout.write


def read_shape(text: str) -> Shape:
    words = text.split(",")
    if len(words) not in (3, 4) or not all(natural(w) < 2**31 for w in words[2:]):
        raise ValueError(text)
    return Shape(dsk=size(words[0]), mem=size(words[1]), cpu=int(words[2]),
                 spn=int(words[3]) if len(words) > 3 else 1)


SHAPE: Kind[Shape] = Kind(read_shape, "DISK,MEMORY,CPUS",
                          f"three values: disk, memory ({SIZES}), CPUs")


class Hspace(Limits, command="htools hspace"):
    """Count how many more instances a cluster could take.

    Twice, from the same start: ever smaller instances beginning with the policy's largest (tiered),
    and standard ones.  Nothing is changed.
    """

    examples = (
        ("hspace -t cluster.data --machine-readable", "for scripts"),
        ("hspace --simulate p,20,1t,64g,16 --disk-template drbd", "an empty cluster of 20 nodes"),
    )
    print_nodes: str | None = opt(FIELDS, "show the nodes before and after",
                                   default=None, short="p")
    disk_template: str | None = opt(choice(*TEMPLATES), "template (default: the policy's first)",
                                    default=None)
    spindle_use: int | None = opt(whole(0), "virtual spindles per instance", default=None)
    simulate: tuple[str, ...] = opts(TEXT, "an empty group: policy,nodes,disk,memory,cpus",
                                     metavar="SPEC")
    independent_groups: bool = opt(BOOL, "N+1 failures in a group stop only that group",
                                   default=False)
    accept_existing_errors: bool = opt(BOOL, "N+1 failures that are there do not matter",
                                       default=False)
    no_capacity_checks: bool = opt(BOOL, "do not keep every node evacuable", default=False)
    machine_readable: str = opt(CHOICE, "print NAME=value lines", default="no")
    standard_alloc: Shape | None = opt(SHAPE, "the standard instance", default=None)
    tiered_alloc: Shape | None = opt(SHAPE, "the first, largest instance", default=None)
    save: str = opt(FILE, "write the filled clusters to FILE.tiered and FILE.standard", default="",
                    short="S")
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)

    def work(self, session: Session) -> int:
        world = self.load(session)
        if not world.policy.templates:
            raise GntError("the cluster's policy allows no disk template")
        names = Names(world)
        if names.suffix and self.level > 1:
            _options.warn(f"Note: Stripping common suffix of '{names.suffix}' from names")
        ground = Ground(world, Options())
        _options.node_tables(self.print_nodes, "Initial cluster", world, ground.state, names)
        start = capacity.totals(ground)
        self.show_cluster(world, start)
        if not world.policy.minmax and self.tiered_alloc is None:
            raise GntError("the cluster's policy has no sizes")
        bad = {world.nodes[k].group for k in ground.state.failing()}
        weak = self.weak(ground) if self.independent_groups else set()
        closed = (set() if self.accept_existing_errors else bad) | weak
        stopped = self.stopped(world, bad, closed)
        open_nodes = [k for k in ground.open_nodes(None, True)
                      if world.nodes[k].group not in closed]
        std = world.policy.std
        first = self.tiered_alloc or shape_of(world.policy.minmax[0][1])
        wanted = [self.tiered_alloc] if self.tiered_alloc else [
            shape_of(high) for _, high in world.policy.minmax]
        limit = self.max_length if self.max_length >= 0 else None
        fill = self.filler(world, weak, open_nodes)
        result = stopped or capacity.tiered(able(fill), wanted, limit)
        self.finish(fill, result, first, "Tiered", names)
        self.show_tiered(world, result, start, capacity.totals(fill.ground))
        fill = self.filler(world, weak, open_nodes)
        shape = self.standard_alloc or shape_of(std)
        result = stopped or capacity.standard(able(fill), shape, limit)
        self.finish(fill, result, shape, "Standard", names)
        self.show_standard(world, result, start, capacity.totals(fill.ground))
        if self.machine:
            self.keys([("OK", "1")])
        return 0

    @property
    def machine(self) -> bool:
        return self.machine_readable == "yes"

    def template(self, world: World) -> str:
        return self.disk_template or world.policy.templates[0]

    def weak(self, ground: Ground) -> set[int]:
        """Groups of which some node could not be lost."""
        every = range(len(ground.world.groups))
        return {g for g in every if not Ground(ground.world, Options(
            accept_existing=self.accept_existing_errors,
            ignore_groups=tuple(k for k in every if k != g))).redundant()}

    def stopped(self, world: World, bad: set[int], closed: set[int]) -> Filled | None:
        """Nothing may be placed while N+1 fails."""
        going = self.accept_existing_errors or not bad or (self.independent_groups and any(
            g.allocable and k not in closed for k, g in enumerate(world.groups)))
        return None if going else Filled(shapes=(), reasons=((3, 1),))

    def filler(self, world: World, weak: set[int], nodes: list[int]) -> Filler:
        use = self.spindle_use if self.spindle_use is not None else world.policy.std.spindle_use
        options = Options(
            capacity=not self.no_capacity_checks, accept_existing=self.accept_existing_errors,
            ignore_groups=tuple(weak))
        return capacity.filler(world, options, nodes, self.template(world), use)

    def finish(self, fill: Filler, result: Filled, shape: Shape, mode: str, names: Names) -> None:
        """What is said and saved after either run."""
        ground, template = fill.ground, fill.template
        exclusive = any(n.exclusive_storage for n in ground.world.nodes)
        if self.machine:
            prefix = "SPEC" if mode == "Standard" else "TSPEC_INI"
            self.keys([(f"{prefix}_{k}", v) for k, v in resources(shape, True)])
            self.keys([(f"{prefix}_RQN", "2" if fill.pairs else "1"),
                       (f"{prefix}_DISK_TEMPLATE", template)])
        else:
            what = "Standard (fixed-size)" if mode == "Standard" else "Tiered (initial size)"
            out(f"{what} instance spec is:\n  {listed(resources(shape, exclusive))}, "
                f"using disk template '{template}'.\n")
        after = ground.world.replace(instances=tuple(ground.instances))
        if self.level > 1:
            sys.stderr.write(f"{mode} allocation map\n"
                             + allocation_map(after, len(result.shapes), exclusive))
        names.nodes = names.nodes or []
        _options.node_tables(self.print_nodes, f"{mode} allocation", after, ground.state, names)
        if self.save:
            _options.save(self.save, mode.lower(), f"after {mode.lower()} allocation",
                          ground.after())

    def show_cluster(self, world: World, t: Totals) -> None:
        exclusive = any(n.exclusive_storage for n in world.nodes)
        sums = [("MEM", f"{t.t_mem:.0f}"), ("DSK", f"{t.t_dsk:.0f}"), ("CPU", f"{t.t_cpu:.0f}"),
                ("VCPU", str(t.v_cpu)), ("SPN", f"{t.t_spn:.0f}")]
        if self.machine:
            self.keys([(f"CLUSTER_{k}", v) for k, v in sums])
            self.keys([("CLUSTER_NODES", str(len(world.nodes))), *stats("INI", t)])
            return
        out(f"The cluster has {len(world.nodes)} nodes and the following resources:\n  "
            f"{listed(sums if exclusive else sums[:4])}.\n"
            f"There are {t.instances or 'no'} initial instances on the cluster.\n")

    def show_tiered(self, world: World, result: Filled, start: Totals, end: Totals) -> None:
        counted = runs(result.shapes)
        if self.machine:
            self.keys([*stats("TRL", end), ("TSPEC", " ".join(
                f"{s.mem},{s.dsk},{s.cpu},{s.spn}={n}" for s, n in counted))])
            self.keys(deltas(start, end))
            return
        exclusive = any(n.exclusive_storage for n in world.nodes)
        out("Tiered allocation results:\n")
        if not counted:
            out("  - no instances allocated\n")
        for shape, count in counted:
            out(f"  - {count:3d} instances of spec {listed(resources(shape, exclusive))}\n")
        self.show_scores(result, start, end, exclusive)

    def show_standard(self, world: World, result: Filled, start: Totals, end: Totals) -> None:
        count = len(result.shapes)
        if not self.machine:
            out(f"Normal (fixed-size) allocation results:\n  - {count:3d} instances allocated\n")
            self.show_scores(result, start, end, any(n.exclusive_storage for n in world.nodes))
            return
        initial = len(world.instances)
        usage = show.number(show.ratio(initial, initial + count), 8)
        self.keys([*stats("FIN", end), ("ALLOC_USAGE", usage), ("ALLOC_INSTANCES", str(count)),
                   ("ALLOC_FAIL_REASON", FAILURES[result.reasons[0][0]].upper())])
        self.keys([(f"ALLOC_{FAILURES[k].upper()}_CNT", str(n)) for k, n in result.reasons])

    def show_scores(self, result: Filled, start: Totals, end: Totals, exclusive: bool) -> None:
        if result.reasons:
            out(f"  - most likely failure reason: {FAILURES[result.reasons[0][0]]}\n")
        out(f"  - initial cluster score: {show.number(start.score, 8)}\n"
            f"  -   final cluster score: {show.number(end.score, 8)}\n")
        used = [("memory", show.ratio(end.mem_inst, end.t_mem)),
                ("disk", show.ratio(end.dsk_inst, end.t_dsk)),
                ("vcpu", show.ratio(end.cpu_inst, end.v_cpu)),
                *([("spindles", show.ratio(end.spn_inst, end.t_spn))] if exclusive else [])]
        width = max(len(k) for k, _ in used)
        for name, part in used:
            out(f"  - {name:>{width}} usage efficiency: {show.number(part * 100, 2):>5}%\n")

    def keys(self, pairs: Iterable[tuple[str, str]]) -> None:
        for name, value in pairs:
            plain = all(c.isalnum() or c == "." for c in value)
            out(f"HTS_{name}={value}\n" if plain else f"HTS_{name}='{value}'\n")


def able(fill: Filler) -> Filler:
    """The same, unless there are too few nodes to place anything."""
    groups = [fill.ground.world.nodes[k].group for k in fill.nodes]
    if len(set(groups)) == len(groups) if fill.pairs else not groups:
        raise GntError("failure during allocation: "
                       + ("Not enough online nodes" if fill.pairs else "No online nodes"))
    return fill


def shape_of(spec: object) -> Shape:
    from gnt.htools.world import Spec

    assert isinstance(spec, Spec)
    return Shape(mem=spec.memory, dsk=spec.disk_size, cpu=spec.cpus, spn=spec.spindle_use)


def resources(shape: Shape, spindles: bool) -> list[tuple[str, str]]:
    found = [("MEM", str(shape.mem)), ("DSK", str(shape.dsk)), ("CPU", str(shape.cpu))]
    return [*found, ("SPN", str(shape.spn))] if spindles else found


def listed(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{k} {v}" for k, v in pairs)


def runs(shapes: Iterable[Shape]) -> list[tuple[Shape, int]]:
    """Equal neighbours, counted."""
    found: list[tuple[Shape, int]] = []
    for shape in shapes:
        if found and found[-1][0] == shape:
            found[-1] = (shape, found[-1][1] + 1)
        else:
            found.append((shape, 1))
    return found


def stats(kind: str, t: Totals) -> list[tuple[str, str]]:
    def part(used: float, total: float) -> str:
        return show.number(show.ratio(used, total), 8)

    return [(f"{kind}_{k}", v) for k, v in (
        ("SCORE", show.number(t.score, 8)), ("INST_CNT", str(t.instances)),
        ("MEM_FREE", str(t.mem_free)), ("MEM_AVAIL", str(t.mem_avail)),
        ("MEM_RESVD", str(t.mem_free - t.mem_avail)), ("MEM_INST", str(t.mem_inst)),
        ("MEM_OVERHEAD", str(t.mem_over)), ("MEM_EFF", part(t.mem_inst, t.t_mem)),
        ("DSK_FREE", str(t.dsk_free)), ("DSK_AVAIL", str(t.dsk_avail)),
        ("DSK_RESVD", str(t.dsk_free - t.dsk_avail)), ("DSK_INST", str(t.dsk_inst)),
        ("DSK_EFF", part(t.dsk_inst, t.t_dsk)), ("SPN_FREE", str(t.spn_free)),
        ("SPN_INST", str(t.spn_inst)), ("SPN_EFF", part(t.spn_inst, t.t_spn)),
        ("CPU_INST", str(t.cpu_inst)), ("CPU_EFF", part(t.cpu_inst, t.v_cpu)),
        ("MNODE_MEM_AVAIL", str(t.node_mem)), ("MNODE_DSK_AVAIL", str(t.node_dsk)))]


def deltas(start: Totals, end: Totals) -> list[tuple[str, str]]:
    """What was used, what got used, what is left."""
    rows = (
        ("USED", start.cpu_inst, start.cpu_norm, start.mem_inst, start.dsk_inst, start.spn_inst),
        ("POOL", end.cpu_inst - start.cpu_inst, end.cpu_norm - start.cpu_norm,
         end.mem_inst - start.mem_inst, end.dsk_inst - start.dsk_inst,
         end.spn_inst - start.spn_inst),
        ("UNAV", end.v_cpu - end.cpu_inst, end.t_cpu - end.cpu_norm,
         int(end.t_mem) - end.mem_inst, int(end.t_dsk) - end.dsk_inst,
         int(end.t_spn) - end.spn_inst),
    )
    return [(f"KM_{row[0]}_{name}", repr(float(value)) if name == "NPU" else str(value))
            for row in rows
            for name, value in zip(("CPU", "NPU", "MEM", "DSK", "SPN"), row[1:], strict=True)]


def allocation_map(world: World, count: int, exclusive: bool) -> str:
    rows = []
    for i in world.instances[len(world.instances) - count:]:
        rows.append((i.name, world.nodes[i.pri].name,
                     world.nodes[i.sec].name if i.sec >= 0 else "", str(i.mem), str(i.dsk),
                     str(i.vcpus), str(i.spindles) if exclusive else ""))
    if not rows:
        return ""
    return show.table("", rows[0], rows[1:], (False, False, False, True, True, True, True))
