"""A picture of a balancing plan: one HTML file with nothing outside itself."""

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

STYLE = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:2px 8px;text-align:right}td:first-child,th:first-child{text-align:left}"
    "td.bad{outline:2px solid #c00}"
)


def used(world: World, state: State, k: int) -> tuple[float, float, float, bool]:
    """Memory, disk, CPU in use (parts of what may be), and whether N+1 fails."""
    n, f = world.nodes[k], state.node(k)
    most = (world.policy_of(n).vcpu_ratio if n.vcpu_ratio is None else n.vcpu_ratio) * n.t_cpu
    return (1 - f["u_mem"] / n.t_mem if n.t_mem else 0.0,
            1 - f["f_dsk"] / n.t_dsk if n.t_dsk else 0.0,
            f["u_cpu"] / most if most else 0.0, bool(f["fail_n1"]))


def colour(part: float) -> str:
    """Green for empty, red for full."""
    hue = 120 * (1 - min(max(part, 0.0), 1.0))
    return f"hsl({hue:.0f},70%,75%)"


def heat(world: World, before: State, after: State) -> str:
    """The table of nodes, before and after."""
    rows = []
    for k, n in enumerate(world.nodes):
        cells = ""
        for state in (before, after):
            *parts, fails = used(world, state, k)
            for j, part in enumerate(parts):
                bad = " class=bad" if fails and j == 0 else ""
                cells += f"<td{bad} style='background:{colour(part)}'>{part * 100:.0f}%</td>"
        name = escape(n.name) + (" (offline)" if n.offline else "")
        rows.append(f"<tr><td>{name}</td>{cells}</tr>")
    head = ("<tr><th>node</th>" + "<th>memory</th><th>disk</th><th>vCPU</th>" * 2 + "</tr>")
    return (f"<table><tr><th></th><th colspan=3>before</th><th colspan=3>after</th></tr>{head}"
            + "".join(rows) + "</table>")


def html(world: World, after: State, moves: Sequence[Move], score: float) -> str:
    """The page; outlined memory marks nodes that fail N+1."""
    names = [n.name for n in world.nodes]
    lines = "".join(
        f"<tr><td>{escape(world.instances[m.inst].name)}</td>"
        f"<td>{escape(shorthand(m, names.__getitem__))}</td><td>{m.score:.8f}</td></tr>"
        for m in moves)
    gib = sum(world.instances[m.inst].dsk for m in moves if m.copies) / 1024
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Balance</title>"
        f"<style>{STYLE}</style><h1>Balance: {score:.4f} &rarr; {after.score():.4f}</h1>"
        f"<p>{len(moves)} moves, about {gib:.0f} GiB copied.</p>"
        f"{heat(world, arrays.state(world), after)}<h2>Moves</h2>"
        "<table><tr><th>instance</th><th>move</th><th>score after</th></tr>"
        f"{lines}</table></html>\n"
    )


def bars(world: World, state: State, width: int = 30) -> str:
    """Memory of every node as a bar of text."""
    longest = max((len(n.name) for n in world.nodes), default=0)
    lines = []
    for k, n in enumerate(world.nodes):
        part, _, _, fails = used(world, state, k)
        full = round(min(max(part, 0.0), 1.0) * width)
        mark = " N+1!" if fails else ""
        bar = "#" * full + "." * (width - full)
        lines.append(f"{n.name:<{longest}} {bar} {part * 100:3.0f}%{mark}\n")
    return "".join(lines)
