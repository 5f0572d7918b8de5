"""``hbal``: balance a cluster."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import (
    FIELDS,
    FILE,
    FILE_OR_STDOUT,
    GROUP,
    Balancing,
    Measuring,
)
from gnt.errors import GntError
from gnt.htools import arrays, balance, load, show
from gnt.htools.balance import Rules
from gnt.htools.moves import commands, job_sets, shorthand
from gnt.htools.names import Names
from gnt.htools.world import is_split, part
from gnt.spec import opt
from gnt.values import BOOL, choice, real, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import Part, World
    from gnt.htools_ext.state import State
    from gnt.spec import Session

out = sys.stdout.write


class Hbal(Measuring, Balancing, command="htools hbal"):
    """Find the moves that balance a cluster, and make them if asked to.

    By itself it repeats the reference's greedy descent, move for move.  --fast reaches about the
    same score much sooner and is what -X uses; --search looks for better plans with pair moves.
    """

    jobs = True
    examples = (
        ("hbal -t cluster.data -C -p", "plan from a file, show commands and nodes"),
        ("hbal -L -X", "balance the cluster this program belongs to; Ctrl-C stops in between"),
        ("hbal -t cluster.data --search --max-move-gib 500", "a better plan, copying 500 GiB"),
    )
    print_nodes: str | None = opt(FIELDS, "show the nodes before and after",
                                   default=None, short="p")
    print_instances: bool = opt(BOOL, "show the instances before and after", default=False)
    print_commands: str | None = opt(FILE_OR_STDOUT, "show the commands, or write them to a file",
                                     default=None, short="C")
    restricted_migration: bool = opt(BOOL, "migrate only off drained nodes", default=False)
    exec_: bool = opt(BOOL, "make the moves (needs -L)", default=False, short="X", name="exec")
    first_job_group: bool = opt(BOOL, "only the first set of jobs", default=False)
    group: str = opt(GROUP, "the group to balance, by name or uuid", default="", short="G")
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)
    exit_on_missing_mond_data: bool = opt(BOOL, "stop when loads are incomplete", default=False)
    mond_xen: bool = opt(BOOL, "use Xen's collectors, too", default=False)
    save: str = opt(FILE, "write the cluster before and after to FILE.original and FILE.balanced",
                    default="", short="S")
    fast: bool = opt(BOOL, "look only at what may have become the best move", default=False)
    search: bool = opt(BOOL, "look for a better plan with exchanges of instances", default=False)
    search_tries: int = opt(
        whole(0), "how many changes --search tries; 0: 40,000 for each instance", default=0)
    search_seconds: float = opt(
        real(0), "end each search after this time; 0: when all is tried", default=0.0)
    seed: int = opt(whole(0), "another seed may find another plan", default=1)
    prefer: str = opt(
        choice("moves", "data", "score"), "what --search saves: moves (no more than the plain "
        "descent or -l), data (copied to reach its score) or nothing", default="moves")
    max_move_gib: float = opt(real(0), "copy at most this many GiB (--search)", default=1e18)
    report: str = opt(FILE, "write a picture of before and after as HTML", default="")
    bars: bool = opt(BOOL, "show the nodes before and after as bars", default=False)

    def rules(self) -> Rules:
        return Rules(
            disk_moves=not self.no_disk_moves, inst_moves=not self.no_instance_moves,
            restricted=self.restricted_migration, evacuate=self.evac_mode,
            force=self.ignore_soft_errors, min_gain=self.min_gain, limit=self.max_length,
            min_gain_limit=self.min_gain_limit, min_score=self.min_score,
        )

    def work(self, session: Session) -> int:
        if self.exec_ and self.luxi is None:
            raise GntError("moves can be made only in the cluster this program belongs to",
                           hint="add -L, or use -C to see the commands")
        world = self.load(session)
        if not self.introduce(world):
            if world.nodes and (self.bars or self.report):
                group = self.choose(world)[1].world
                self.picture(group, arrays.state(group), (), names=Names(group))
            return 0
        _options.save(self.save, "original", "before balancing", load.as_read(world))
        chosen = self.choose(world)
        return self.balance(session, world, chosen)

    def introduce(self, world: World) -> bool:
        """Say what was loaded; False when there is nothing to do."""
        if self.level > 1:
            out(f"Loaded cluster tags: {','.join(world.tags)}\n")
        if not world.instances:
            out("Cluster is empty, exiting.\n")
            return False
        split = [i.name for i in world.instances if is_split(world, i)]
        if split and self.level > 1:
            _options.warn("Found instances belonging to multiple node groups:")
            for name in split:
                _options.warn(f"  {name}")
            _options.warn("These instances will not be moved.")
        out(f"Loaded {len(world.nodes)} nodes, {len(world.instances)} instances\n")
        suffix = Names(world).suffix
        if suffix and self.level > 1:
            out(f"Note: Stripping common suffix of '{suffix}' from names\n")
        return True

    def choose(self, world: World) -> tuple[str, Part]:
        """The group to balance."""
        present = sorted({n.group for n in world.nodes})
        if not self.group:
            if len(present) > 1:
                raise GntError("several node groups: "
                               + ", ".join(world.groups[g].name for g in present),
                               hint="choose one with -G")
            at = present[0]
        else:
            found = world.group_index(self.group)
            if found is None:
                raise GntError(f"there is no node group {self.group!r}", hint="known: "
                               + ", ".join(g.name for g in world.groups))
            at = found
        return world.groups[at].name, part(world, at)

    def balance(self, session: Session, world: World, chosen: tuple[str, Part]) -> int:
        name, cut = chosen
        group, state = cut.world, arrays.state(cut.world)
        names = self.short_names(world, cut)
        self.check(name, group, state)
        _options.instance_tables(self.print_instances, "Initial", group, state)
        _options.node_tables(self.print_nodes, "Initial cluster", group, state, names)
        initial, start = state.score(), state.copy()
        self.show_score("Initial coefficients: overall", "Initial score:", state)
        best = balance.optimum(group, state)
        if initial - best < self.min_score:
            out(f"Cluster is already well balanced (initial score {show.general(initial)},\n"
                f"optimum score due to N+1 reservations {show.general(best)},\n"
                f"minimum score {show.general(self.min_score)}).\nNothing to do, exiting\n")
            self.picture(group, state, (), names=names)
            return 0
        out("Trying to minimize the CV...\n")
        if self.search:
            state, moves = self.searched(group, names)
        else:
            moves = self.plan(group, state, names)
        self.tell_result(moves, initial, state)
        sets = job_sets(moves)[: 1 if self.first_job_group else None]
        _options.show_commands(self.print_commands, (
            "First set of jobs:" if self.first_job_group
            else "Commands to run to reach the above solution:"), script(sets, group, names))
        after = self.put_back(world, cut, state)
        _options.save(self.save, "balanced", "after balancing", after)
        _options.instance_tables(self.print_instances, "Final", group, state)
        _options.node_tables(self.print_nodes, "Final cluster", group, state, names)
        if self.level > 3:
            out(room("Original:", start) + room("Final:   ", state))
        self.picture(group, state, moves, names=names, initial=initial)
        if self.exec_ and moves:
            return self.perform(session, group, sets)
        return 0

    def picture(
        self, group: World, state: State, moves: Sequence[Move], *, names: Names,
        initial: float | None = None,
    ) -> None:
        """The bars and the report, also of a cluster in which nothing is to be done."""
        if not self.bars and not self.report:
            return
        from gnt.htools import report

        if self.bars:
            out(report.bars(group, state, names.nodes))
        if self.report:
            before = state.score() if initial is None else initial
            _options.write_file(self.report, report.html(group, state, moves, before))

    def perform(self, session: Session, group: World, sets: Sequence[Sequence[Move]]) -> int:
        """Make the moves, set by set; every step keeps N+1, so stopping anywhere is safe."""
        from gnt.commands.htools import _perform

        with _perform.Stopping(session).listening() as stopping:
            return _perform.moves(session, group, sets, stopping)

    def short_names(self, world: World, cut: Part) -> Names:
        """The short names of the group's nodes and instances; all names decide what is cut."""
        names, every = Names(cut.world), Names(world)
        names.nodes = [every.nodes[k] for k in cut.nodes]
        names.instances = [every.instances[k] for k in cut.instances]
        names.node_numbers, names.instance_numbers = cut.nodes, cut.instances
        return names

    def check(self, name: str, group: World, state: State) -> None:
        out(f"Group size {len(group.nodes)} nodes, {len(group.instances)} instances\n")
        out(f"Selected node group: {name}\n")
        bad = set(state.failing())
        if self.level >= 1:
            hit = len(arrays.hosted(group, state, bad))
            hit += sum(len(o.instances) for o in (group.nodes[k].outside for k in bad) if o)
            out(f"Initial check done: {len(bad)} bad nodes, {hit} bad instances.\n")
        health = {k: policy_health(group, state, k)
                  for k in range(len(group.nodes)) if k not in bad}
        if self.level > 4:
            tell_health(group, bad, health)
        if bad:
            out("Cluster is not N+1 happy, continuing but no guarantee "
                "that the cluster will end N+1 happy.\n")
        violating = sum(map(bool, health.values()))
        if violating:
            out(f"The cluster contains {violating} policy-violating nodes.\n")
            out("Continuing, ignoring soft errors.\n" if self.ignore_soft_errors else
                "Continuing, but the set of moves might be too restricted;"
                " consider using the --ignore-soft-errors option.\n")

    def plan(self, group: World, state: State, names: Names) -> Sequence[Move]:
        """The moves, told one by one."""
        moves: Iterable[Move]
        if self.fast or self.exec_:
            moves = balance.fast(group, state, self.rules())
        else:
            moves = balance.exact(group, state, self.rules())
        made, line = [], lines_of(names)
        for move in moves:
            made.append(move)
            out(line(len(made), move))
            sys.stdout.flush()
        return made

    def searched(self, group: World, names: Names) -> tuple[State, Sequence[Move]]:
        """The plan of a search, told line by line, and where it ends."""
        from gnt.htools import search

        found = search.plan(group, self.rules(), search.Effort(
            tries=self.search_tries, seed=self.seed, prefer=self.prefer,
            max_gib=self.max_move_gib, max_moves=self.max_length, seconds=self.search_seconds))
        line = lines_of(names)
        for k, move in enumerate(found.moves, 1):
            out(line(k, move))
        many, gib, score = found.greedy
        out(f"Plan of {len(found.moves)} moves, {found.gib:.0f} GiB copied (--prefer "
            f"{self.prefer}); single moves: {many} moves, {gib:.0f} GiB copied, score "
            f"{show.number(score, 8)}\n")
        return found.state, found.moves

    def tell_result(self, moves: Sequence[Move], initial: float, state: State) -> None:
        if not moves:
            out("No solution found\n")
        elif self.level > 2:
            self.show_score("Final coefficients:   overall", "", state)
        else:
            out(f"Cluster score improved from {show.number(initial, 8)} "
                f"to {show.number(state.score(), 8)}\n")
        if self.level >= 1:
            out(f"Solution length={len(moves)}\n")

    def show_score(self, long: str, brief: str, state: State) -> None:
        score = show.number(state.score(), 8)
        out(f"{long} {score}\n{show.components(state)}" if self.level > 2 else f"{brief} {score}\n")

    def put_back(self, world: World, cut: Part, state: State) -> World:
        """The whole world with the group's instances where they are now."""
        places = [(i.pri, i.sec) for i in world.instances]
        for k, (pri, sec) in zip(cut.instances, state.places(), strict=True):
            if not is_split(world, world.instances[k]):
                places[k] = (cut.nodes[pri], cut.nodes[sec] if sec >= 0 else -1)
        nodes = dict(zip(cut.nodes, arrays.followed(cut.world, state).nodes, strict=True))
        return world.placed(places).replace(nodes=tuple(
            nodes.get(k, n) for k, n in enumerate(world.nodes)))


def room(title: str, state: State) -> str:
    """What is free on all nodes together."""
    nodes = [state.node(k) for k in range(state.size[0])]
    return (f"{title} mem={sum(int(n['u_mem']) for n in nodes)} "
            f"disk={sum(int(n['f_dsk']) for n in nodes)}\n")


def policy_health(group: World, state: State, k: int) -> str:
    """Which of its policy's ratios a node breaks."""
    n, figures = group.nodes[k], state.node(k)
    policy = group.policy_of(n)
    if figures["i_spn"] > policy.spindle_ratio * n.spindles:
        return "FailDisk"
    ratio = policy.vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio
    return "FailCPU" if show.ratio(figures["u_cpu"], n.t_cpu) > ratio else ""


def tell_health(group: World, bad: Iterable[int], health: Mapping[int, str]) -> None:
    """The nodes that fail N+1, those that do not, and how these keep to their policy."""
    def listed(nodes: Iterable[int]) -> str:
        return ",".join(f'"{group.nodes[k].name}"' for k in nodes)

    states = ",".join(f'("{group.nodes[k].name}",{f"Bad {why}" if why else "Ok ()"})'
                      for k, why in health.items())
    out(f"Bad nodes: [{listed(sorted(bad))}]\nN+1 happy nodes: [{listed(health)}]\n"
        f"Node policy status: [{states}]\n")


def lines_of(names: Names) -> Callable[[int, Move], str]:
    """Makes the line of one step with its number, as hbal has always printed it."""
    node_width = max(map(len, names.nodes), default=0)
    inst_width = max(map(len, names.instances), default=0)

    def pair(places: tuple[int, int]) -> str:
        pri, sec = places
        both = names.nodes[pri] if sec < 0 else f"{names.nodes[pri]}:{names.nodes[sec]}"
        return both.ljust(2 * node_width + 1)

    def line(number: int, move: Move) -> str:
        return (f"  {number:3d}. {names.instances[move.inst]:{inst_width}} {pair(move.before)} => "
                f"{pair(move.after)} {show.number(move.score, 8):>12} a="
                f"{shorthand(move, names.nodes.__getitem__)}\n")

    return line


def script(sets: Sequence[Sequence[Move]], group: World, names: Names) -> list[str]:
    """The lines of ``-C``."""
    lines = []
    for number, jobs in enumerate(sets, 1):
        lines += ["", f"echo jobset {number}, {len(jobs)} jobs"]
        for k, move in enumerate(jobs, 1):
            running = group.instances[move.inst].running
            lines += [f"  echo job {number}/{k}", "  check"]
            lines += [f"  gnt-instance {c}" for c in commands(
                move, names.instances[move.inst], running, names.nodes.__getitem__)]
    return lines
