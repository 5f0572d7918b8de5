"""Tables of nodes, instances and score components, as hbal and hinfo print them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gnt.htools.names import Names
    from gnt.htools.world import World
    from gnt.htools_ext.state import State

COMPONENTS = (
    ("free_mem_cv", 0.5), ("free_disk_cv", 0.5), ("n1_cnt", 1.0), ("reserved_mem_cv", 1.0),
    ("offline_all_cnt", 4.0), ("offline_pri_cnt", 16.0), ("vcpu_ratio_cv", 0.5),
    ("cpu_load_cv", 1.0), ("mem_load_cv", 1.0), ("disk_load_cv", 1.0), ("net_load_cv", 1.0),
    ("pri_tags_score", 2.0), ("spindles_cv", 0.5), ("free_mem_cv_forth", 0.5),
    ("free_disk_cv_forth", 0.5), ("vcpu_ratio_cv_forth", 0.5), ("spindles_cv_forth", 0.5),
    ("location_score", 1.0), ("location_exclusion_score", 1.0), ("reserved_mem_rtotal", 0.25),
)
DEFAULT_FIELDS = (
    "status", "name", "tmem", "nmem", "imem", "xmem", "fmem", "umem", "rmem", "tdsk", "fdsk",
    "tcpu", "ucpu", "pcnt", "scnt", "pfmem", "pfdsk", "rcpu", "cload", "mload", "dload", "nload",
)
UNKNOWN = "<unknown field>"


def number(value: float, digits: int) -> str:
    """Fixed digits; what is no number, as the reference spells it."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    shortest = repr(value)
    places = len(shortest) - shortest.find(".") - 1
    if shortest[-1] == "5" and places == digits + 1 and "e" not in shortest:
        # halfway in its shortest form: to the even digit, however the bits lie
        kept = shortest[:-1]
        return kept if kept[-1] in "02468." else f"{float(shortest[:-1] + '9'):.{digits}f}"
    return f"{value:.{digits}f}"


def table(prefix: str, header: Sequence[str], rows: Sequence[Sequence[str]],
          numeric: Sequence[bool]) -> str:
    """Columns parted by a blank, each line after the prefix and a blank."""
    lines = [list(header), *(list(r) for r in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "".join(
        f"{prefix} " + " ".join(
            cell.rjust(w) if right else cell.ljust(w)
            for cell, w, right in zip(line, widths, numeric, strict=True)
        ) + "\n" for line in lines
    )


def general(value: float) -> str:
    """A number with six digits; small and large ones with an exponent."""
    if value == 0 or 0.1 <= abs(value) < 1e7:
        return number(value, 6)
    mantissa, _, exponent = f"{value:.6e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def components(state: State, prefix: str = "  ") -> str:
    """The score's parts with their weights; without a node that is online there are none."""
    online = any(not state.node(k)["offline"] for k in range(state.size[0]))
    rows = [(name, number(value, 8), f"x{weight:.2f}")
            for (name, weight), value in zip(COMPONENTS, state.parts(), strict=True)
            if online]
    return table(prefix, ("Field", "Value", "Weight"), rows, (False, True, True))


def ratio(a: float, b: float) -> float:
    if b:
        return a / b
    return float("nan") if a == 0 else float("inf") * (1 if a > 0 else -1)


class NodeTable:
    """The figures of a state's nodes by field."""

    def __init__(self, world: World, state: State, names: Names) -> None:
        self.world, self.names = world, names
        self.figures = [state.node(k) for k in range(len(world.nodes))]
        self.peers = state.peers
        self.on: list[tuple[list[int], list[int]]] = [([], []) for _ in world.nodes]
        self.primaries = [pri for pri, _ in state.places()]
        self.tagged: list[list[int]] = [[] for _ in world.nodes]  # forthcoming ones, too
        for i in range(len(world.instances)):
            pri, sec = state.place_of(i)
            if pri < 0:
                continue
            self.tagged[pri].append(i)
            if world.instances[i].forthcoming:
                continue
            self.on[pri][0].insert(0, i)
            if sec >= 0:
                self.on[sec][1].insert(0, i)

    def disk_part(self, k: int) -> float:
        n, f = self.world.nodes[k], self.figures[k]
        if n.exclusive_storage:
            return ratio(f["f_spn"], n.spindles) if n.spindles else 1.0
        return ratio(f["f_dsk"], n.t_dsk) if n.t_dsk else 1.0

    def tags(self, k: int) -> str:
        from gnt.htools.arrays import exclusion_tags

        counts: dict[str, int] = {}
        for i in self.tagged[k]:
            for tag in exclusion_tags(self.world, self.world.instances[i]):
                counts[tag] = counts.get(tag, 0) + 1
        return ",".join(f"{t}={c}" for t, c in sorted(counts.items()))

    def peer_map(self, k: int) -> str:
        mirrored = (i for i in self.on[k][1] if self.world.instances[i].mirrored)
        peers = dict.fromkeys((self.primaries[i] for i in mirrored), 0) | self.peers(k)
        peers = {self.names.node_numbers[p]: mib for p, mib in peers.items()}
        outside = self.world.nodes[k].outside
        peers |= dict(outside.peers) if outside else {}
        pairs = sorted(((p, m) for p, m in peers.items()), key=lambda e: (-e[1], -e[0]))
        return "[" + ",".join(f"({p},{m})" for p, m in pairs) + "]"

    def hosted(self, k: int, role: int) -> str:
        """The instances on a node: primaries (role 0) or secondaries (1)."""
        known = self.names.instance_numbers
        found = [known[i] if i < len(known) else i for i in self.on[k][role]]
        outside = self.world.nodes[k].outside
        if role and outside:
            found = sorted([*found, *outside.instances], reverse=True)
        return str(found).replace(" ", "")

    def cell(self, k: int, field: str) -> str:
        shown = FIELDS.get(field)
        return shown[2](self, k) if shown else UNKNOWN

    def text(self, fields: Sequence[str]) -> str:
        """The table; no fields: the usual ones, a first ``+`` adds to these."""
        wanted = list(fields)
        if not wanted:
            wanted = list(DEFAULT_FIELDS)
        elif wanted[0] == "+":
            wanted = [*DEFAULT_FIELDS, *wanted[1:]]
        heads = [FIELDS[f][:2] if f in FIELDS else (UNKNOWN, False) for f in wanted]
        rows = [[self.cell(k, f) for f in wanted] for k in range(len(self.world.nodes))]
        return table("", [h for h, _ in heads], rows, [n for _, n in heads])


def whole(width: int, key: str) -> Callable[[NodeTable, int], str]:
    return lambda t, k: f"{int(t.figures[k][key]):{width}d}"


def real(
    width: int, digits: int, value: Callable[[NodeTable, int], float],
) -> Callable[[NodeTable, int], str]:
    return lambda t, k: number(value(t, k), digits).rjust(width)


def load(key: str) -> Callable[[NodeTable, int], str]:
    return real(5, 3, lambda t, k: t.figures[k][key])


def status(t: NodeTable, k: int) -> str:
    if t.figures[k]["offline"]:
        return "-"
    return "*" if t.figures[k]["fail_n1"] else " "


def _node(value: Callable[[Any], str]) -> Callable[[NodeTable, int], str]:
    return lambda t, k: value(t.world.nodes[k])


def _spare(figures: dict[str, float]) -> float:
    return max(0.0, figures["u_mem"] - figures["r_mem"])


def _allowed_spindles(t: NodeTable, k: int) -> float:
    n = t.world.nodes[k]
    return t.world.policy_of(n).spindle_ratio * n.spindles


FIELDS: dict[str, tuple[str, bool, Callable[[NodeTable, int], str]]] = {
    "idx": ("Index", True, lambda t, k: f"{t.names.node_numbers[k]:4d}"),
    "name": ("Name", False, lambda t, k: t.names.nodes[k]),
    "fqdn": ("Name", False, _node(lambda n: n.name)),
    "status": ("F", False, status),
    "tmem": ("t_mem", True, _node(lambda n: f"{n.t_mem:5.0f}")),
    "nmem": ("n_mem", True, _node(lambda n: f"{n.n_mem:5d}")),
    "xmem": ("x_mem", True, whole(5, "x_mem")),
    "fmem": ("f_mem", True, _node(lambda n: f"{n.f_mem:5d}")),
    "umem": ("u_mem", True, whole(5, "u_mem")),
    "amem": ("a_mem", True, lambda t, k: f"{int(_spare(t.figures[k])):5d}"),
    "imem": ("i_mem", True, whole(5, "i_mem")),
    "rmem": ("r_mem", True, whole(5, "r_mem")),
    "tdsk": ("t_dsk", True, _node(lambda n: f"{n.t_dsk / 1024:5.0f}")),
    "fdsk": ("f_dsk", True, lambda t, k: f"{int(t.figures[k]['f_dsk']) // 1024:5d}"),
    "tcpu": ("pcpu", True, _node(lambda n: f"{n.t_cpu:4.0f}")),
    "ucpu": ("vcpu", True, whole(4, "u_cpu")),
    "pcnt": ("pcnt", True, whole(3, "pri")),
    "scnt": ("scnt", True, whole(3, "sec")),
    "plist": ("primaries", True, lambda t, k: t.hosted(k, 0)),
    "slist": ("secondaries", True, lambda t, k: t.hosted(k, 1)),
    "pfmem": ("p_fmem", True, real(
        6, 4, lambda t, k: ratio(t.figures[k]["u_mem"], t.world.nodes[k].t_mem))),
    "pfdsk": ("p_fdsk", True, real(6, 4, lambda t, k: t.disk_part(k))),
    "rcpu": ("r_cpu", True, real(
        5, 2, lambda t, k: ratio(t.figures[k]["u_cpu"], t.world.nodes[k].t_cpu))),
    "cload": ("lCpu", True, load("cpu_load")),
    "mload": ("lMem", True, load("mem_load")),
    "dload": ("lDsk", True, load("dsk_load")),
    "nload": ("lNet", True, load("net_load")),
    "ptags": ("PrimaryTags", False, lambda t, k: t.tags(k)),
    "peermap": ("PeerMap", False, lambda t, k: t.peer_map(k)),
    "spindle_count": ("NodeSpindles", True, _node(lambda n: str(n.spindles))),
    "hi_spindles": ("MaxSpindles", True, lambda t, k: str(_allowed_spindles(t, k))),
    "inst_spindles": ("InstSpindles", True, lambda t, k: str(t.figures[k]["i_spn"])),
}


def instances(world: World, state: State) -> str:
    """The instances and where they are."""
    header = ("F", "Name", "Pri_node", "Sec_node", "Auto_bal", "vcpu", "mem", "dsk", "lCpu",
              "lMem", "lDsk", "lNet")
    rows = []
    for k, i in enumerate(world.instances):
        pri, sec = state.place_of(k)
        rows.append((
            "R" if i.running else " ", i.name, world.nodes[pri].name,
            world.nodes[sec].name if sec >= 0 else "", "Y" if i.auto_balance else "N",
            f"{i.vcpus:3d}", f"{i.mem:5d}", f"{i.dsk // 1024:5d}",
            *(f"{v:5.3f}" for v in i.load),
        ))
    return table("", header, rows, [False] * 5 + [True] * 7)
