"""``hscan``: write clusters' data into files."""

from __future__ import annotations

import os
import sys

from gnt.commands.htools import _options
from gnt.commands.htools._options import FIELDS, FILE, LUXI, Program
from gnt.errors import GntError
from gnt.htools import arrays, load, rapi, show, text
from gnt.htools.names import Names
from gnt.spec import args, opt
from gnt.values import BOOL, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import World
    from gnt.spec import Session

out = sys.stdout.write


class Hscan(Program, command="htools hscan"):
    """Collect the data of clusters and write each to NAME.data, for the other programs."""

    examples = (
        ("hscan -d /tmp cluster1.example.com https://10.0.0.1:5080", "two clusters by RAPI"),
        ("hscan -L", "the cluster this program belongs to, as LOCAL.data"),
    )
    print_nodes: str | None = opt(FIELDS, "show the nodes", default=None, short="p")
    output_dir: str = opt(FILE, "where to write", default=".", short="d", metavar="PATH")
    luxi: str | None = opt(LUXI, "the cluster this program belongs to", default=None, short="L")
    no_headers: bool = opt(BOOL, "no line of titles", default=False)
    static_kvm_node_memory: int = opt(
        whole(0), "MiB that KVM nodes need themselves; 0: as reported", default=4096)
    clusters: tuple[str, ...] = args(TEXT, "names or addresses of RAPI servers", default=())

    def work(self, session: Session) -> int:
        if self.luxi is None and not self.clusters:
            raise GntError("no cluster is given", hint="hscan NAME, or hscan -L")
        names = [rapi.shown(address) for address in self.clusters]
        width = max(map(len, names), default=5)
        if not self.no_headers:
            self.titles(width)
        failed = False
        if self.luxi is not None:
            from gnt.commands.htools import _live

            self.one("LOCAL", _live.ask(session), width)
        for name, address in zip(names, self.clusters, strict=True):
            try:
                self.one(name, rapi.load(address), width)
            except GntError as error:
                out(f"\nError for {name}: failed to load data. Details:\n{error.message}\n")
                failed = True
        return 2 if failed else 0

    def titles(self, width: int) -> None:
        out(f"{'Name':<{width}} {'Nodes':>5} {'Inst':>5} {'BNode':>5} {'BInst':>5} "
            f"{'t_mem':>6} {'f_mem':>6} {'t_disk':>6} {'f_disk':>6} {'Score':>10}\n")

    def one(self, name: str, data: World, width: int) -> None:
        """Tell of a cluster, and write it as it was read."""
        world = load.own_memory(data, self.static_kvm_node_memory)
        state = arrays.state(world)
        bad = state.failing()
        hit = len(arrays.hosted(world, state, bad))
        out(f"{name:<{width}} {len(world.nodes):5d} {len(world.instances):5d} {len(bad):5d} "
            f"{hit:5d} {sum(n.t_mem for n in world.nodes):6.0f} "
            f"{sum(n.f_mem for n in world.nodes):6d} "
            f"{sum(n.t_dsk for n in world.nodes) / 1024:6.0f} "
            f"{sum(n.f_dsk for n in world.nodes) // 1024:6d} {show.number(state.score(), 8)}\n")
        if self.print_nodes is not None:
            out(show.NodeTable(world, state, Names(world)).text(
                _options.field_list(self.print_nodes)))
        safe = name.replace("/", "_")
        _options.write_file(os.path.join(self.output_dir, f"{safe}.data"), text.write(data))
