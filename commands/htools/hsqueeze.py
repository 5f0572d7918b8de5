"""``hsqueeze``: power nodes down when idle, up when needed."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools import _switch as switch
from gnt.commands.htools._options import FILE, FILE_OR_STDOUT, Measuring, Reading
from gnt.commands.htools._perform import Stopping
from gnt.commands.htools.hbal import script
from gnt.errors import GntError
from gnt.htools import arrays, squeeze
from gnt.htools.moves import job_sets
from gnt.htools.names import Names
from gnt.spec import opt
from gnt.values import BOOL, real, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.htools_ext.state import State
    from gnt.spec import Session

out = sys.stdout.write


class Hsqueeze(Measuring, Reading, command="htools hsqueeze"):
    """Choose nodes to switch off, or standby nodes to switch on.

    Only nodes whose instances are all on shared storage are switched off, and only as long as
    every node that is left keeps room for some more.
    """

    examples = (
        ("hsqueeze -t cluster.data -C", "what to do, with the commands"),
        ("hsqueeze -L --target-resources 4", "keep more room on every node"),
        ("hsqueeze -L -X", "do it: move, mark offline and switch off, or on and back"),
    )
    exec_: bool = opt(BOOL, "do it (needs -L)", default=False, short="X", name="exec")
    minimal_resources: float = opt(real(0), "switch nodes on when one has less room than this many "
                                   "standard instances", default=2.0, metavar="FACTOR")
    target_resources: float = opt(real(0), "room to leave on every node, in standard instances",
                                  default=2.0, metavar="FACTOR")
    print_commands: str | None = opt(FILE_OR_STDOUT, "show the commands, or write them to a file",
                                     default=None, short="C")
    dynu_file: str = opt(FILE, "loads: lines of name, cpu, memory, disk, network", default="",
                         short="U")
    no_headers: bool = opt(BOOL, "no headings", default=False)
    save: str = opt(FILE, "write the cluster to FILE.original and FILE.squeezed", default="",
                    short="S")
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)

    def work(self, session: Session) -> int:
        if self.exec_ and self.luxi is None:
            raise GntError("nodes can be switched only in the cluster this program belongs to",
                           hint="add -L, or use -C to see the commands")
        world = self.load(session)
        if self.luxi is not None:
            world = squeeze.supposed(world)
        _options.save(self.save, "original", "before hsqueeze run", world)
        if self.level > 1:
            for what, found in (("Offline", squeeze.off_candidates(world)),
                                ("Online", squeeze.on_candidates(world))):
                out(f"{what} candidates: {','.join(world.nodes[k].name for k in found)}\n")
        names = Names(world)
        if self.exec_:
            switch.in_service(session)
        least = squeeze.spare(world, self.minimal_resources)
        if not squeeze.has_room(world, arrays.state(world), least):
            return self.expand(session, world, names)
        return self.condense(session, world, names)

    def title(self, text: str) -> None:
        if not self.no_headers:
            out(f"'{text}'\n")

    def expand(self, session: Session, world: World, names: Names) -> int:
        least = squeeze.spare(world, self.minimal_resources)
        nodes, enough = squeeze.to_switch_on(world, least)
        state, moves = squeeze.switched(world, nodes, False)
        self.title("Nodes to online")
        self.tell(world, nodes)
        if not enough and self.level > 1:
            out("Onlining all nodes will not yield enough capacity\n")
        power = [f"  gnt-node power -f on {names.nodes[k]}" for k in nodes]
        self.commands(["echo Power Commands", *power, *self.steps(world, names, moves)])
        self.done(world, state, "expansion")
        if self.exec_ and nodes:
            with Stopping(session).listening() as stopping:
                return switch.on(session, world, [world.nodes[k].name for k in nodes],
                                 job_sets(moves), stopping)
        return 0

    def condense(self, session: Session, world: World, names: Names) -> int:
        nodes = squeeze.to_switch_off(world, squeeze.spare(world, self.target_resources))
        if self.exec_:
            switch.finish(session)
        if not nodes:
            self.title("No action")
            self.commands(["echo Nothing to do"])
            _options.save(self.save, "squeezed", "after hsqueeze doing nothing", world)
            return 0
        state, moves = squeeze.switched(world, nodes, True)
        self.title("Nodes to offline")
        self.tell(world, nodes)
        tags = [f"  gnt-node add-tags {names.nodes[k]} htools:standby:auto" for k in nodes]
        power = [f"  gnt-node power -f off {names.nodes[k]}" for k in nodes]
        self.commands([*self.steps(world, names, moves), "", "echo Tagging Commands", *tags, "",
                       "echo Power Commands", *power])
        self.done(world, state, "run")
        if self.exec_:
            with Stopping(session).listening() as stopping:
                return switch.off(session, world, [world.nodes[k].name for k in nodes],
                                  job_sets(moves), stopping)
        return 0

    def tell(self, world: World, nodes: Sequence[int]) -> None:
        for k in nodes:
            out(world.nodes[k].name + "\n")

    def steps(self, world: World, names: Names, moves: Sequence[Move]) -> list[str]:
        full = Names(world)
        full.nodes, full.instances = names.nodes, [i.name for i in world.instances]
        return script(job_sets(moves), world, full)

    def commands(self, lines: Sequence[str]) -> None:
        _options.show_commands(self.print_commands, "Commands to run:", lines)

    def done(self, world: World, state: State, what: str) -> None:
        _options.save(self.save, "squeezed", f"after hsqueeze {what}",
                      arrays.followed(world, state).placed(state.places()))
