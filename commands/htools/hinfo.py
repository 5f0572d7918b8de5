"""``hinfo``: say how a cluster is."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import FIELDS, ManySources, Measuring
from gnt.htools import arrays, show
from gnt.htools.names import Names
from gnt.htools.world import is_split
from gnt.spec import opt
from gnt.values import BOOL, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import World
    from gnt.spec import Session

out = sys.stdout.write
HEADER = ("Group", "Nodes", "Instances", "Bad_Nodes", "Bad_Instances", "N+1", "Score")


class Hinfo(Measuring, ManySources, command="htools hinfo"):
    """Show groups, N+1 state, nodes, instances and the parts of the score of a cluster."""

    examples = (
        ("hinfo -t cluster.data -v -p", "everything about the cluster of a file"),
        ("hinfo -L", "the cluster this program belongs to"),
    )
    print_nodes: str | None = opt(FIELDS, "show the nodes", default=None, short="p")
    print_instances: bool = opt(BOOL, "show the instances", default=False)
    ignore_dynu: bool = opt(BOOL, "count no loads at all", default=False)
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)

    def work(self, session: Session) -> int:
        world = self.load(session)
        out(f"Loaded cluster tags: {','.join(world.tags)}\n")
        if not world.instances and self.level > 1:
            out("Cluster is empty.\n")
        out("Loaded " + ", ".join((
            plural(len(world.nodes), "node"), plural(len(world.instances), "instance"),
            plural(len(world.groups), "node group"))) + "\n")
        names = Names(world)
        if names.suffix and self.level > 2:
            out(f"Note: Stripping common suffix of '{names.suffix}' from names\n")
        self.splits(world)
        self.groups(world)
        state = arrays.state(world)
        _options.instance_tables(self.print_instances, "Instances", world, state)
        _options.node_tables(self.print_nodes, "Cluster", world, state, names)
        out(f"Cluster coefficients:\n{show.components(state)}")
        out(f"Cluster score: {show.number(state.score(), 8)}\n")
        return 0

    def splits(self, world: World) -> None:
        split = [i.name for i in world.instances if is_split(world, i)]
        if not split and self.level > 1:
            out("No split instances found\n")
        if split:
            out("Found instances belonging to multiple node groups:\n")
            for name in split:
                _options.warn(f"  {name}")

    def groups(self, world: World) -> None:
        rows, happy, state = [], True, arrays.state(world)
        failing = set(state.failing())
        for g in sorted({n.group for n in world.nodes}):
            nodes = {k for k, n in enumerate(world.nodes) if n.group == g}
            here = [k for k, i in enumerate(world.instances) if i.pri in nodes]
            bad = failing & nodes
            hit = len(arrays.hosted(world, state, bad))
            happy = happy and not bad
            rows.append((
                world.groups[g].name, str(len(nodes)), str(len(here)), str(len(bad)),
                str(hit), str(not bad), show.number(state.score(g), 8),
            ))
        if self.level > 1:
            numeric = (False, True, True, True, True, False, True)
            out("Node group information:\n" + show.table("  ", HEADER, rows, numeric))
        out(f"Cluster is N+1 {'happy' if happy else 'unhappy'}\n")


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
