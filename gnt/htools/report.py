"""Pictures of a balancing plan: one HTML file with nothing outside itself, and bars of text."""

from __future__ import annotations

from html import escape

from gnt.htools import arrays
from gnt.htools.moves import shorthand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.htools_ext.state import State

KINDS = ("memory", "disk", "vCPU")
CELL, ACROSS = 16, 40  # pixels of a node in the maps; nodes in a row
STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:76em;padding:0 1em;"
    "color:#222;background:#fff}h2{margin-top:2em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:2px 8px;text-align:right;font-variant-numeric:tabular-nums}"
    "td:first-child,th:first-child{text-align:left}thead th{border-bottom:1px solid #999}"
    "td.bad{outline:2px solid #b00}figure{display:inline-block;margin:0 2em 1em 0}"
    "figcaption{color:#555}svg{display:block}.key span{padding:0 .6em;color:#222}"
)


class Figures:
    """What a state uses of each node."""

    def __init__(self, world: World, state: State) -> None:
        self.parts, self.free, self.peers = [], [], []
        self.fails: list[bool] = []
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


def colour(part: float) -> str:
    """Green for empty, red for full, black beyond."""
    if part > 1:
        return "#333"
    hue = 120 * (1 - min(max(part, 0.0), 1.0))
    return f"hsl({hue:.0f},70%,70%)"


def square(x: int, y: int, part: float, title: str, bad: bool = False) -> str:
    edge = " stroke='#b00' stroke-width='2'" if bad else ""
    return (f"<rect x='{x * CELL + 1}' y='{y * CELL + 1}' width='{CELL - 2}' height='{CELL - 2}' "
            f"fill='{colour(part)}'{edge}><title>{escape(title)}</title></rect>")


def picture(caption: str, wide: int, high: int, squares: Sequence[str]) -> str:
    return (f"<figure><svg width='{wide * CELL}' height='{high * CELL}' role='img'>"
            f"{''.join(squares)}</svg><figcaption>{escape(caption)}</figcaption></figure>")


def heat(world: World, kind: int, word: str, figures: Figures) -> str:
    """A square per node, coloured by how full it is; an edge where N+1 fails."""
    count = len(world.nodes)
    return picture(f"{KINDS[kind]} {word}", min(count, ACROSS), -(-count // ACROSS), [
        square(k % ACROSS, k // ACROSS, figures.parts[k][kind],
               f"{n.name}: {figures.parts[k][kind] * 100:.0f}%", figures.fails[k])
        for k, n in enumerate(world.nodes)])


def failures(world: World, word: str, figures: Figures) -> str:
    """Row: the node that is lost; column: who then needs which part of its free memory."""
    count, squares = len(world.nodes), []
    for s, n in enumerate(world.nodes):
        for p, mem in sorted(figures.peers[s].items()):
            part = mem / figures.free[s] if figures.free[s] > 0 else 2.0
            squares.append(square(
                s, p, part, f"{world.nodes[p].name} lost: {n.name} needs {mem} MiB, has "
                f"{figures.free[s]:.0f}", part >= 1))
    return picture(f"{word}: {sum(figures.fails)} nodes fail N+1", count, count, squares)


def table(world: World, before: Figures, after: Figures) -> str:
    """The same in numbers."""
    rows = []
    for k, n in enumerate(world.nodes):
        cells = "".join(
            f"<td{' class=bad' if f.fails[k] and j == 0 else ''} "
            f"style='background:{colour(part)}'>{part * 100:.0f}%</td>"
            for f in (before, after) for j, part in enumerate(f.parts[k]))
        name = escape(n.name) + (" (offline)" if n.offline else "")
        rows.append(f"<tr><td>{name}</td>{cells}</tr>")
    head = "<th>node</th>" + "".join(f"<th>{kind}</th>" for kind in KINDS) * 2
    return ("<table><thead><tr><th></th><th colspan=3>before</th><th colspan=3>after</th></tr>"
            f"<tr>{head}</tr></thead>{''.join(rows)}</table>")


def steps(world: World, moves: Sequence[Move]) -> str:
    names = [n.name for n in world.nodes]

    def where(place: tuple[int, int]) -> str:
        return escape(":".join(names[n] for n in place if n >= 0))

    return "".join(
        f"<tr><td>{k}</td><td>{escape(world.instances[m.inst].name)}</td><td>{where(m.before)}</td>"
        f"<td>{where(m.after)}</td><td>{escape(shorthand(m, names.__getitem__))}</td>"
        f"<td>{world.instances[m.inst].dsk / 1024 if m.copies else 0:.0f}</td>"
        f"<td>{m.score:.8f}</td></tr>" for k, m in enumerate(moves, 1))


def html(world: World, after: State, moves: Sequence[Move], score: float) -> str:
    """The page."""
    old, new = Figures(world, arrays.state(world)), Figures(world, after)
    gib = sum(world.instances[m.inst].dsk for m in moves if m.copies) / 1024
    maps = "".join(f"<div>{heat(world, k, 'before', old)}{heat(world, k, 'after', new)}</div>"
                   for k in range(len(KINDS)))
    key = "".join(f"<span style='background:{colour(part / 4)}'>{part * 25}%</span>"
                  for part in range(5))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Balance</title>"
        f"<style>{STYLE}</style><h1>Balance: {score:.4f} &rarr; {after.score():.4f}</h1>"
        f"<p>{len(world.nodes)} nodes, {len(world.instances)} instances; {len(moves)} moves, "
        f"about {gib:.0f} GiB copied.</p><h2>Nodes</h2><p class=key>in use: {key} "
        f"red edge: fails N+1</p>{maps}{table(world, old, new)}"
        "<h2>N+1</h2><p>Row: a node that is lost; column: a node that then starts instances, "
        "coloured by the part of its free memory they need.</p>"
        f"{failures(world, 'before', old)}{failures(world, 'after', new)}"
        "<h2>Moves</h2><table><thead><tr><th>no.</th><th>instance</th><th>from</th><th>to</th>"
        "<th>move</th><th>GiB</th><th>score after</th></tr></thead>"
        f"{steps(world, moves)}</table></html>\n"
    )


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
