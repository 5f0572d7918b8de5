"""``hcheck``: is the cluster healthy, and would balancing make it so?"""

from __future__ import annotations

import sys

from gnt.commands.htools._options import CHOICE, Balancing
from gnt.htools import arrays, balance, policy, show
from gnt.htools.balance import Rules
from gnt.htools.world import part
from gnt.record import Record
from gnt.spec import opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import World
    from gnt.htools_ext.state import State
    from gnt.spec import Session

out = sys.stdout.write
CHECKS = (
    ("N1_FAIL", "Nodes not N+1 happy"), ("CONFLICT_TAGS", "Nodes with conflicting instances"),
    ("OFFLINE_PRI", "Instances having the primary node offline"),
    ("OFFLINE_SEC", "Instances having a secondary node offline"),
    ("GN1_FAIL", "Nodes not directly evacuateable"),
)
SCORE = ("SCORE", "Group score")
NEED = ("NEED_REBALANCE", "Cluster is not healthy")


class Health(Record):
    """The checks of one group; ``group`` is its index."""

    group: int
    counts: tuple[int, ...]
    score: float


class Hcheck(Balancing, command="htools hcheck"):
    """Check N+1, tags and offline nodes, now and after balancing.

    Ends with 1 when the cluster needs balancing (with --no-simulation always with 0).
    """

    examples = (
        ("hcheck -t cluster.data", "for people"),
        ("hcheck -L --machine-readable", "NAME=value lines, for scripts"),
    )
    machine_readable: str = opt(CHOICE, "print NAME=value lines", default="no")
    no_capacity_checks: bool = opt(BOOL, "do not look at global N+1", default=False)
    no_simulation: bool = opt(BOOL, "do not look at the cluster after balancing", default=False)

    @property
    def machine(self) -> bool:
        return self.machine_readable == "yes"

    def work(self, session: Session) -> int:
        world = self.load(session)
        parts = {g: part(world, g).world for g in sorted({n.group for n in world.nodes})}
        states = {g: arrays.state(cut) for g, cut in parts.items()}
        if self.machine:
            self.keys([(f"GROUP_UUID_{k}", g.uuid) for k, g in enumerate(world.groups)])
        healths = [self.check(g, parts[g], states[g]) for g in parts]
        sick = any(any(h.counts) for h in healths)
        self.introduce(sick)
        self.tell(world, "INIT", "initially", healths, sick)
        simulate = sick and not self.no_simulation
        if simulate:
            for g, cut in parts.items():
                for _ in balance.exact(cut, states[g], self.rules()):
                    pass
            healths = [self.check(g, parts[g], states[g]) for g in parts]
        if simulate or self.machine:
            self.tell(world, "FINAL", "after rebalancing", healths, sick)
        if self.machine:
            self.keys([("OK", "1")])
        return 1 if simulate else 0

    def introduce(self, sick: bool) -> None:
        if self.level < 1 or self.machine:
            return
        if self.no_simulation:
            out("Running in no-simulation mode.\n")
        else:
            out("Cluster needs rebalancing.\n" if sick else
                "No need to rebalance cluster, no problems found.\n")

    def rules(self) -> Rules:
        return Rules(
            disk_moves=not self.no_disk_moves, inst_moves=not self.no_instance_moves,
            evacuate=self.evac_mode, force=self.ignore_soft_errors, min_gain=self.min_gain,
            min_gain_limit=self.min_gain_limit, min_score=self.min_score, limit=self.max_length,
        )

    def check(self, group: int, cut: World, state: State) -> Health:
        from gnt.htools_ext.evacuate import evacuable

        offline = [k for k in range(len(cut.nodes)) if state.node(k)["offline"]]
        capacity: tuple[int, ...] = ()
        if not self.no_capacity_checks:
            now = cut.placed(state.places())
            capacity = (evacuable(state, policy.Refusals(now)).count(False),)
        return Health(group=group, score=state.score(), counts=(
            len(state.failing()), sum(1 for c in state.clashes() if c > 0),
            sum(int(state.node(k)["pri"]) for k in offline),
            len(offline),  # scripts know this figure as it is: nodes, not instances
            *capacity,
        ))

    def checks(self) -> tuple[tuple[str, str], ...]:
        return CHECKS[:-1] if self.no_capacity_checks else CHECKS

    def tell(self, world: World, phase: str, when: str, healths: list[Health], sick: bool) -> None:
        for h in healths:
            values = [*map(str, h.counts), show.number(h.score, 8)]
            self.block(f"{phase}_GROUP_{h.group}", f"group {world.groups[h.group].name} {when}",
                       (*self.checks(), SCORE), values)
        sums = [str(sum(h.counts[k] for h in healths)) for k in range(len(self.checks()))]
        need = str(int(sick)) if self.machine else str(sick)
        if not healths:  # scripts know the answer about no groups as it is: one figure
            sums = []
        names = (*self.checks(), NEED)[: len(sums) + 1]
        self.block(f"{phase}_CLUSTER", when, names, [*sums, need])

    def block(self, prefix: str, title: str, names: tuple[tuple[str, str], ...],
              values: list[str]) -> None:
        if self.machine:
            self.keys([(f"{prefix}_{key}", v) for (key, _), v in zip(names, values, strict=True)])
        elif self.level >= 1:
            start = "Statistics for" if title.startswith("group") else "Cluster statistics"
            out(f"\n{start} {title}\n")
            for (_, text), v in zip(names, values, strict=True):
                out(f"    {text}: {v}\n")

    def keys(self, pairs: list[tuple[str, str]]) -> None:
        for name, value in pairs:
            plain = all(c.isalnum() or c == "." for c in value)
            out(f"HCHECK_{name}={value}\n" if plain else f"HCHECK_{name}='{value}'\n")
