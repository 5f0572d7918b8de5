"""``hail``: answer iallocator requests."""

from __future__ import annotations

import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import FIELDS, FILE, WORDS, Measuring
from gnt.errors import UsageError
from gnt.htools import arrays, iallocator, load
from gnt.htools.allocate import Options
from gnt.htools.load import Source, Wishes
from gnt.htools.names import Names
from gnt.spec import arg, opt, opts
from gnt.values import BOOL, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.allocate import Ground
    from gnt.htools.world import World
    from gnt.spec import Session


class Hail(Measuring, command="htools hail"):
    """Answer one iallocator request: where to put, move or evacuate instances.

    Reads the request with the whole cluster from a file (- is standard input) and prints the
    answer as JSON.
    """

    examples = (
        ("hail request.json", "answer a request"),
        ("hail -t cluster.data request.json", "the request's question, but about another cluster"),
    )
    print_nodes: str | None = opt(FIELDS, "show the nodes before and after",
                                   default=None, short="p")
    save: str = opt(FILE, "write the cluster to FILE.pre-ialloc and FILE.post-ialloc", default="",
                    short="S")
    text_data: str = opt(FILE, "cluster data in Ganeti's text format", default="", short="t")
    simulate: tuple[str, ...] = opts(TEXT, "an empty group: policy,nodes,disk,memory,cpus",
                                     metavar="SPEC")
    ignore_dynu: bool = opt(BOOL, "count no loads at all", default=False)
    ignore_soft_errors: bool = opt(BOOL, "ignore N+1, policy and tags", default=False)
    no_capacity_checks: bool = opt(BOOL, "do not keep every node evacuable", default=False)
    restrict_allocation_to: tuple[str, ...] | None = opt(WORDS, "only these nodes", default=None,
                                                         metavar="NODE,…")
    mond_xen: bool = opt(BOOL, "use Xen's collectors, too", default=False)
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)
    request: str = arg(TEXT, "the request's file", default="", complete="file")  # but for -V

    def work(self, session: Session) -> int:
        if not self.request:
            raise UsageError("hail needs: request", hint="hail --help")
        request = iallocator.load(self.request)
        world = request.world
        if self.text_data or self.simulate:
            world = load.read(Source(text=self.text_data, simulate=self.simulate))
        world = load.prepare(world, Wishes(
            ignore_dynu=self.ignore_dynu, monitoring=_options.monitoring(self),
            node_memory=self.static_kvm_node_memory))
        for line in load.missing(world):
            _options.warn(f"Warning: {line}")
        self.show("Initial cluster", world, None)
        _options.save(self.save, "pre-ialloc", "before iallocator run", world)
        options = Options(capacity=not self.no_capacity_checks, force=self.ignore_soft_errors,
                          restrict=self.restrict_allocation_to)
        text, ground = iallocator.run(request.replace(world=world), options)
        sys.stdout.write(text + "\n")
        self.show("Final cluster", world, ground)
        if ground is not None:
            world = ground.after()
        _options.save(self.save, "post-ialloc", "after iallocator run", world)
        return 0

    def show(self, title: str, world: World, ground: Ground | None) -> None:
        if self.print_nodes is None:
            return
        state = ground.state if ground else arrays.state(world)
        if ground:
            world = ground.world.replace(instances=tuple(ground.instances))
        _options.node_tables(self.print_nodes, title, world, state, Names(world))
