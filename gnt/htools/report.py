"""What a balancing plan does: one HTML page with nothing outside itself, and bars of text."""

from __future__ import annotations

import math
from html import escape

from gnt.htools import arrays, paint, pictures
from gnt.htools.moves import FA, FR, FRF, RF, F, R, job_sets
from gnt.htools.names import Names
from gnt.htools.pictures import Square

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.htools_ext.state import State

KINDS = ("memory", "disk", "vCPU")
WORDS = {F: "changes sides", R: "new secondary", RF: "new primary", FRF: "new primary",
         FR: "changes sides, new secondary", FA: "moves"}
PALEST = 0.25  # of the scale, in the map of N+1: the smallest square is still seen
OPEN = 60  # rows that are shown without asking


class Figures:
    """What a state uses of each node."""

    def __init__(self, world: World, state: State) -> None:
        self.parts: list[tuple[float, ...]] = []
        self.free: list[float] = []
        self.peers: list[Mapping[int, int]] = []
        self.fails: list[bool] = []
        self.primaries: list[int] = []
        for k, n in enumerate(world.nodes):
            f = state.node(k)
            ratio = world.policy_of(n).vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio
            most = ratio * n.t_cpu
            self.parts.append((
                1 - f["u_mem"] / n.t_mem if n.t_mem else 0.0,
                1 - f["f_dsk"] / n.t_dsk if n.t_dsk else 0.0,
                f["u_cpu"] / most if most else 0.0))
            self.fails.append(bool(f["fail_n1"]) and not n.offline)
            self.free.append(f["u_mem"])
            self.peers.append(state.peers(k))
            self.primaries.append(int(f["pri"]))


class Page:
    """The parts of a page about one plan."""

    def __init__(self, world: World, after: State, moves: Sequence[Move], score: float) -> None:
        self.world, self.moves = world, moves
        self.scores = [score, *(m.score for m in moves)]
        self.end = after.score()
        self.names = Names(world).nodes
        self.states = {"before": Figures(world, arrays.state(world)),
                       "after": Figures(world, after)}

    def tiles(self) -> str:
        """The plan in a few numbers."""
        old, new = self.states.values()
        gib = sum(self.world.instances[m.inst].dsk for m in self.moves if m.copies) / 1024
        fails = sum(old.fails), sum(new.fails)
        tiles = (
            (f"{self.scores[0]:.4g} → {self.end:.4g}", "score, less is better"),
            (f"{len(self.moves):,}", f"moves, in {len(job_sets(self.moves))} sets of jobs"),
            (f"{gib:,.0f} GiB", "copied"),
            (f"{fails[0]} → {fails[1]}", "nodes that fail N+1"),
            (f"{len(self.world.nodes):,}", "nodes"),
            (f"{len(self.world.instances):,}", "instances"),
        )
        return '<div class="tiles">' + "".join(
            f'<div class="tile"><b>{value}</b><span>{what}</span></div>'
            for value, what in tiles) + "</div>"

    def nodes(self) -> str:
        """Maps of how full the nodes are."""
        maps = "".join(
            f"<h3>{kind.capitalize() if kind != 'vCPU' else kind}</h3><div class=\"pair\">"
            + "".join(self._heat(k, kind, word) for word in self.states) + "</div>"
            for k, kind in enumerate(KINDS))
        return f"{key()}{maps}"

    def _heat(self, k: int, kind: str, word: str) -> str:
        figures = self.states[word]
        squares = [Square(
            parts[k], f"{n.name}: {kind} {parts[k] * 100:.0f} % {word}"
            + (", fails N+1" if fails else "") + (", offline" if n.offline else ""),
            bad=fails, off=n.offline)
            for n, parts, fails in zip(self.world.nodes, figures.parts, figures.fails, strict=True)]
        label = f"{kind} {word}"
        return figure(f"{label}: {spread([s.part for s in squares if not s.off])}",
                      pictures.heat(label, self.names, squares))

    def lost(self) -> str:
        """What each node has to start when another is lost."""
        shown = []
        for word, figures in self.states.items():
            cells = {(p, s): self._need(figures, p, s, mem)
                     for s in range(len(self.names)) for p, mem in sorted(figures.peers[s].items())}
            bad = [name for name, fails in zip(self.names, figures.fails, strict=True) if fails]
            which = f": {', '.join(bad[:12])}{' …' if len(bad) > 12 else ''}" if bad else ""
            shown.append(figure(f"{word}: {len(bad)} of {len(self.names)} nodes fail N+1{which}",
                                pictures.pairs(f"N+1 {word}", self.names, cells)))
        return f'<div class="pair">{"".join(shown)}</div>'

    def _need(self, figures: Figures, p: int, s: int, mem: int) -> Square:
        free = figures.free[s]
        part = mem / free if free > 0 else 2.0
        shade = part if part > 1 else PALEST + (1 - PALEST) * part
        return Square(shade, f"{self.names[p]} lost: {self.names[s]} starts {mem} MiB, has "
                      f"{free:.0f} free", bad=part >= 1)

    def table(self) -> str:
        """The nodes in numbers."""
        old, new = self.states.values()
        rows = []
        for k, n in enumerate(self.world.nodes):
            cells = "".join(
                f'<td class="{paint.step(f.parts[k][j])}">{f.parts[k][j] * 100:.0f} %</td>'
                for j in range(len(KINDS)) for f in (old, new))
            off = ' <span class="soft">offline</span>' if n.offline else ""
            rows.append(
                f'<tr><td>{k + 1}</td><td class="left name">{escape(n.name)}{off}</td>{cells}'
                f"<td>{old.primaries[k]}</td><td>{new.primaries[k]}</td>"
                f'<td class="left">{state_of(old.fails[k], new.fails[k])}</td></tr>')
        heads = "".join(f'<th colspan="2">{kind}</th>' for kind in (*KINDS, "primaries"))
        under = "<th>before</th><th>after</th>" * (len(KINDS) + 1)
        return rolled("Every node", len(rows), (
            f'<tr><th rowspan="2">no.</th><th rowspan="2" class="left">node</th>{heads}'
            f'<th rowspan="2" class="left">N+1</th></tr><tr>{under}</tr>'), "".join(rows))

    def steps(self) -> str:
        """The moves, and how the score falls."""
        if not self.moves:
            return "<p>Nothing is moved.</p>"
        rows, number = [], 0
        for set_, jobs in enumerate(job_sets(self.moves), 1):
            for move in jobs:
                number += 1
                rows.append(self._step(number, set_, move))
        heads = "".join(f'<th{kind}>{word}</th>' for word, kind in (
            ("no.", ""), ("set", ""), ("instance", ' class="left"'), ("from", ' class="left"'),
            ("to", ' class="left"'), ("what", ' class="left"'), ("GiB copied", ""), ("score", "")))
        return figure("the score after each move", pictures.curve("score", self.scores)) + rolled(
            "Every move", len(rows), f"<tr>{heads}</tr>", "".join(rows))

    def _step(self, number: int, set_: int, move: Move) -> str:
        inst = self.world.instances[move.inst]
        gib = f"{inst.dsk / 1024:,.0f}" if move.copies else ""
        return (f'<tr><td>{number}</td><td>{set_}</td>'
                f'<td class="left name">{escape(inst.name)}</td>'
                f'<td class="left">{self._places(move.before)}</td>'
                f'<td class="left">{self._places(move.after)}</td>'
                f'<td class="left">{WORDS[move.kind]}</td><td>{gib}</td>'
                f"<td>{move.score:.6f}</td></tr>")

    def _places(self, place: tuple[int, int]) -> str:
        return escape(" : ".join(self.names[n] for n in place if n >= 0))


def figure(caption: str, picture: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{picture}</figure>"


def rolled(title: str, count: int, head: str, rows: str) -> str:
    """A table that is rolled up when it is long."""
    state = " open" if count <= OPEN else ""
    return (f'<details{state}><summary>{title} ({count:,})</summary><div class="scroll"><table>'
            f"<thead>{head}</thead><tbody>{rows}</tbody></table></div></details>")


def state_of(before: bool, after: bool) -> str:
    """Whether a node passes N+1, in words."""
    if after:
        return f'<span class="bad">▲ {"fails" if before else "now fails"}</span>'
    return "failed, passes now" if before else "passes"


def spread(parts: Sequence[float]) -> str:
    """The range and the standard deviation."""
    if not parts:
        return "no nodes"
    mean = sum(parts) / len(parts)
    wide = math.hypot(*(p - mean for p in parts)) / math.sqrt(len(parts))  # squares may overflow
    return (f"{min(parts) * 100:.0f} to {max(parts) * 100:.0f} %, on average {mean * 100:.0f} % "
            f"± {wide * 100:.1f}")


def key() -> str:
    """What the colours mean."""
    scale = "".join(f'<span class="u{k}">{k * 10}</span>' for k in range(paint.STEPS))
    return (f'<div class="key soft"><div class="scale">{scale}<span class="ux">over</span></div>'
            '<span>% in use</span><span><span class="bad">▲</span> fails N+1</span></div>')


def html(world: World, after: State, moves: Sequence[Move], score: float) -> str:
    """The page."""
    page = Page(world, after, moves, score)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Balance of {len(world.nodes)} nodes</title><style>{paint.style()}</style></head>"
        f"<body><h1>Balance: {score:.4f} → {page.end:.4f}</h1>"
        '<p class="soft">Before and after the moves that hbal plans.</p>'
        f"{page.tiles()}<h2>Nodes</h2>{page.nodes()}{page.table()}"
        "<h2>N+1</h2><p>Row: a node that is lost.  Column: a node that then starts its instances, "
        "the stronger coloured the more of its free memory they need.  ▲: more than it has.</p>"
        f"{page.lost()}<h2>Moves</h2>{page.steps()}</body></html>\n")


def bar(part: float, width: int) -> str:
    full = round(min(max(part, 0.0), 1.0) * width)
    return "#" * full + "." * (width - full)


def bars(world: World, after: State, names: Sequence[str], width: int = 12) -> str:
    """Memory, disk and vCPUs of every node before and after, for a terminal."""
    old, new = Figures(world, arrays.state(world)), Figures(world, after)
    longest = max(map(len, names), default=0)
    column = 2 * width + 13
    lines = [" " * longest + "".join(f"  {kind:<{column}}" for kind in KINDS).rstrip() + "\n"]
    for k, name in enumerate(names):
        cells = "".join(
            f"  {bar(a, width)} {a * 100:3.0f}% > {bar(b, width)} {b * 100:3.0f}%"
            for a, b in zip(old.parts[k], new.parts[k], strict=True))
        mark = " N+1!" if new.fails[k] else " (N+1 failed)" if old.fails[k] else ""
        lines.append(f"{name:<{longest}}{cells}{mark}\n")
    return "".join(lines)
