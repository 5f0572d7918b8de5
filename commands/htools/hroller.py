"""``hroller``: plan rolling maintenance."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options, _perform, _rolling
from gnt.commands.htools._options import FILE, GROUP, TAGS, ManySources
from gnt.commands.node import _awake
from gnt.errors import GntError
from gnt.htools import arrays, load, reboot
from gnt.spec import opt
from gnt.values import BOOL, DURATION, whole

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

    With -X it is done: a group's nodes are drained and emptied, rebooted, awaited, and take back
    what they ran; then comes the next group.  Tags of the nodes say what is left to do, so that a
    run can be stopped (Ctrl-C, after the group) and goes on with the same command.  The master is
    left out: it is named at the end.  With --offline-maintenance instances are shut down instead
    of moved, with --ignore-non-redundant those whose disks are on the node only.
    """

    examples = (
        ("hroller -t cluster.data", "groups for a rolling reboot with running instances"),
        ("hroller -t cluster.data --offline-maintenance -G rack1", "with instances shut down"),
        ("hroller -L --one-step-only --no-headers", "only the next group, one node per line"),
        ("hroller -L -X", "do it, group by group; the same again goes on where it was stopped"),
    )
    group: str = opt(GROUP, "only this group, by name or uuid", default="", short="G")
    node_tags: tuple[str, ...] = opt(TAGS, "only nodes with one of these tags", default=())
    offline_maintenance: bool = opt(BOOL, "all instances are off during the work", default=False)
    full_evacuation: bool = opt(BOOL, "empty the nodes, also of secondaries", default=False)
    ignore_non_redundant: bool = opt(BOOL, "do not care for instances without secondary",
                                     default=False)
    skip_non_redundant: bool = opt(BOOL, "leave out nodes with such instances", default=False)
    search: bool = opt(BOOL, "look for fewer groups than the usual methods find", default=True)
    one_step_only: bool = opt(BOOL, "only the first group", default=False)
    print_moves: bool = opt(BOOL, "say which instances move where meanwhile", default=False)
    exec_: bool = opt(BOOL, "do it (needs -L)", default=False, short="X", name="exec")
    boot_timeout: int = opt(DURATION, "with -X: how long a node may take to come back",
                            default=_awake.BOOT)
    bring_back: bool = opt(BOOL, "with -X: instances return to their nodes", default=True)
    no_headers: bool = opt(BOOL, "no headings", default=False)
    force: bool = opt(BOOL, "go on in spite of warnings", default=False, short="f")
    save: str = opt(FILE, "write the cluster to FILE.original", default="", short="S")
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)

    def work(self, session: Session) -> int:
        if self.exec_:
            return self.perform(session)
        world = self.load(session)
        reboot.unique_master(world, (lambda text: _options.warn(f"Warning: {text}"))
                             if self.force else None)
        _options.save(self.save, "original", "before hroller run", load.as_read(world))
        made, groups = self.planned(world, self.chosen(world))
        if self.level > 1:
            out(reboot.statistics(made) + "\n")
        self.show(world, groups)
        return 0

    def planned(
        self, world: World, nodes: list[int],
    ) -> tuple[list[tuple[str, list[list[int]]]], list[Group]]:
        """The colourings that were tried, and the groups of the best one."""
        if not nodes:
            raise nothing_chosen()
        made = reboot.colourings(
            reboot.graph(world, nodes, self.offline_maintenance), self.search)
        best = min((groups for _, groups in made), key=len)
        state = arrays.state(world)
        groups = reboot.plan(world, state, nodes, best, self.ignore_non_redundant,
                             self.full_evacuation)
        return made, groups

    def perform(self, session: Session) -> int:
        """Roll: what a run that was stopped left comes first."""
        if self.luxi is None:
            raise GntError("nodes can be rebooted only in the cluster this program belongs to",
                           hint="add -L")
        rolling = _rolling.Rolling(
            session, seconds=self.boot_timeout, back=self.bring_back,
            halt=self.offline_maintenance, halt_local=self.ignore_non_redundant)
        with _perform.Stopping(session).listening() as stopping:
            left = [node.name for node in _rolling.begun(session.config())]
            if left:
                session.tell(f"going on with {', '.join(left)}")
                rolling.finish(left)
            groups = self.to_roll(session, rolling)
            for group in groups[: 1 if self.one_step_only else None]:
                if not rolling.roll(group, stopping):
                    session.tell("stopped as asked: hroller -L -X goes on")
                    return 0
            rolling.end()
        return 0

    def to_roll(self, session: Session, rolling: _rolling.Rolling) -> list[list[str]]:
        """The groups that are left, by name, without the master; nodes of a new run are marked."""
        world = self.load(session)
        cfg = session.config()
        left = {node.name for node in _rolling.waiting(cfg)}
        going = _rolling.RUN in cfg.cluster.tags
        nodes = [k for k in self.chosen(world) if not going or world.nodes[k].name in left]
        if not going and not nodes:
            raise nothing_chosen()
        if not going:
            rolling.mark(world.nodes[k].name for k in nodes)
        master = cfg.master.name
        nodes = [k for k in nodes if world.nodes[k].name != master]
        if not nodes:
            return []
        _, groups = self.planned(world, nodes)
        self.show(world, groups)
        return [[world.nodes[k].name for k in group.nodes] for group in groups]

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


def nothing_chosen() -> GntError:
    return GntError("Cannot create node graph: no node is chosen",
                    hint="online nodes of the group, with the tags")
