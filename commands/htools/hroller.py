"""``hroller``: plan rolling maintenance."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import FILE, WORDS, ManySources
from gnt.errors import GntError
from gnt.htools import arrays, reboot
from gnt.spec import opt
from gnt.values import BOOL, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.reboot import Group
    from gnt.htools.world import World
    from gnt.spec import Session

out = sys.stdout.write


class Hroller(ManySources, command="htools hroller"):
    """Say which nodes can be rebooted together, in as few groups as it finds.

    No instance loses both its nodes at once.  Without --offline-maintenance instances are thought
    to run on their secondaries meanwhile, so nodes that share a secondary do not go together.
    """

    examples = (
        ("hroller -t cluster.data", "groups for a rolling reboot with running instances"),
        ("hroller -t cluster.data --offline-maintenance -G rack1", "with instances shut down"),
        ("hroller -L --one-step-only --no-headers", "only the next group, one node per line"),
    )
    group: str = opt(TEXT, "only this group, by name or uuid", default="", short="G", metavar="ID")
    node_tags: tuple[str, ...] = opt(WORDS, "only nodes with one of these tags", default=(),
                                     metavar="TAG,…")
    offline_maintenance: bool = opt(BOOL, "all instances are off during the work", default=False)
    full_evacuation: bool = opt(BOOL, "empty the nodes, also of secondaries", default=False)
    ignore_non_redundant: bool = opt(BOOL, "do not care for instances without secondary",
                                     default=False)
    skip_non_redundant: bool = opt(BOOL, "leave out nodes with such instances", default=False)
    one_step_only: bool = opt(BOOL, "only the first group", default=False)
    print_moves: bool = opt(BOOL, "say which instances move where meanwhile", default=False)
    no_headers: bool = opt(BOOL, "no headings", default=False)
    force: bool = opt(BOOL, "go on in spite of warnings", default=False, short="f")
    save: str = opt(FILE, "write the cluster to FILE.original", default="", short="S")
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)

    def work(self, session: Session) -> int:
        world = self.load(session)
        reboot.unique_master(world, (lambda text: _options.warn(f"Warning: {text}"))
                             if self.force else None)
        _options.save(self.save, "original", "before hroller run", world)
        nodes = self.chosen(world)
        if not nodes:
            raise GntError("Cannot create node graph: no node is chosen",
                           hint="online nodes of the group, with the tags")
        made = reboot.colourings(reboot.graph(world, nodes, self.offline_maintenance))
        best = min((groups for _, groups in made), key=len)
        state = arrays.state(world)
        groups = reboot.plan(world, state, nodes, best, self.ignore_non_redundant,
                             self.full_evacuation)
        if self.level > 1:
            out(reboot.statistics(made) + "\n")
        self.show(world, groups)
        return 0

    def chosen(self, world: World) -> list[int]:
        at = None
        if self.group:
            at = world.group_index(self.group)
            if at is None:
                raise GntError(f"there is no node group {self.group!r}")
        single = {i.pri for i in world.instances if not i.mirrored and not i.forthcoming}
        return [
            k for k, n in enumerate(world.nodes)
            if not n.offline and (at is None or n.group == at)
            and (not self.node_tags or set(self.node_tags) & set(n.tags))
            and not (self.skip_non_redundant and k in single)
        ]

    def show(self, world: World, groups: list[Group]) -> None:
        if not self.no_headers:
            out("'First Reboot Group'\n" if self.one_step_only else "'Node Reboot Groups'\n")
        for group in groups[: 1 if self.one_step_only else None]:
            names = [world.nodes[n].name for n in group.nodes]
            out("".join(n + "\n" for n in names) if self.one_step_only else ",".join(names) + "\n")
            if self.print_moves:
                for i, places in reboot.moved(world, group):
                    where = [world.nodes[k].name for k in places if k >= 0]
                    out(f"  {world.instances[i].name} {' '.join(where)}\n")
