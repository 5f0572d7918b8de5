"""Pictures in SVG, inside a page of ``paint.style``: maps of nodes, of N+1, and a curve."""

from __future__ import annotations

import math
from html import escape

from gnt.htools.paint import step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CELL, GAP = 10, 0.5  # in the picture's units
FEW = 6  # nodes that get a row each, with their names
LEGIBLE = 64  # nodes up to which every square is written on
NAMED = 60  # nodes up to which the rows and columns of a table of pairs have names
SQUARES = 200  # to a side of a table of pairs; beyond, several nodes share one
ROW = 10  # squares in a row while they are legible
PIXELS = 4.4  # of a unit at most while squares are legible, so that few nodes do not fill a screen


class Square:
    """A node in a map: how full, what pointing at it says, and whether it is bad or off."""

    def __init__(self, part: float, title: str, *, bad: bool = False, off: bool = False) -> None:
        self.part, self.title, self.bad, self.off = part, title, bad, off


def text(
    x: float, y: float, size: float, words: str, kind: str = "name", anchor: str = "middle",
) -> str:
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" '
            f'class="{kind}">{escape(words)}</text>')


def svg(width: float, height: float, label: str, inner: str, most: float = 0) -> str:
    """``most``: pixels of width, at most; 0: as wide as there is room."""
    bound = f' style="max-width:{most:.0f}px"' if most else ""
    return (f'<svg viewBox="0 0 {width:g} {height:g}" role="img" '
            f'aria-label="{escape(label, quote=True)}"{bound}>{inner}</svg>')


def short(name: str, most: int = 12) -> str:
    return name if len(name) <= most else name[:most - 1] + "…"


def across(count: int) -> int:
    """How many squares to a row."""
    if count <= FEW:
        return 1
    return ROW if count <= LEGIBLE else max(25, round(math.sqrt(count * 2.5)))


def heat(label: str, names: Sequence[str], squares: Sequence[Square]) -> str:
    """A square per node, row by row; each row begins with the name of its first node."""
    count = len(squares)
    wide, written = across(count), count <= LEGIBLE
    size = 3.3 if written else max(3.3, CELL * wide / 50)
    named = names[::wide] if wide else ()
    left = min(12, max(map(len, named), default=0)) * size * 0.62 + 1.5
    every = math.ceil(size * 1.1 / CELL)  # rows to a name: they must not overlap
    parts = [text(left - 1.5, row * CELL + CELL / 2 + size * 0.36, size, short(name), "name", "end")
             for row, name in enumerate(named) if row % every == 0]
    for k, one in enumerate(squares):
        parts.append(_square(left + k % wide * CELL, k // wide * CELL, one, written))
    width, height = left + wide * CELL, -(-count // max(wide, 1)) * CELL
    return svg(width, height, label, "".join(parts), width * PIXELS if written else 0)


def _square(x: float, y: float, one: Square, written: bool) -> str:
    kind = "uo" if one.off else step(one.part)
    side = CELL - 2 * GAP
    parts = [f'<rect x="{x + GAP:g}" y="{y + GAP:g}" width="{side:g}" height="{side:g}" rx="1" '
             f'class="{kind}"/>']
    if written:
        words = "off" if one.off else f"{one.part * 100:.0f}"
        parts.append(text(x + CELL / 2, y + 6.3, 3.6, words, f"t{kind[1:]}"))
    if one.bad:
        parts.append(f'<path class="edge" d="M{x + 1:g} {y + 1:g}h8v8h-8z"/>'
                     f'<path class="flag" d="M{x + 9.5:g} {y + .5:g}v3.6l-3.6-3.6z"/>')
    return f"<g><title>{escape(one.title)}</title>{''.join(parts)}</g>"


def pairs(
    label: str, names: Sequence[str], cells: Mapping[tuple[int, int], Square],
) -> str:
    """``cells`` by (row, column); many nodes are drawn without words."""
    count = len(names)
    if count > NAMED:
        return _coarse(label, count, cells)
    size = 4.4
    left = min(12, max(map(len, names), default=0)) * size * 0.62 + 2
    parts = [f'<rect x="{left:g}" y="{left:g}" width="{count * CELL}" height="{count * CELL}" '
             'class="frame"/>']
    for k, name in enumerate(names):
        at = left + k * CELL + 6.5
        parts.append(text(left - 2, at, size, short(name), "name", "end"))
        parts.append(f'<g transform="translate({at:g} {left - 2:g}) rotate(-90)">'
                     f'{text(0, 0, size, short(name), "name", "start")}</g>')
    parts += [_square(left + s * CELL, left + p * CELL, one, False)
              for (p, s), one in cells.items()]
    side = left + count * CELL
    return svg(side, side, label, "".join(parts), side * PIXELS * 0.6)


def _coarse(label: str, count: int, cells: Mapping[tuple[int, int], Square]) -> str:
    """One path for each colour: thousands of squares would make a page of megabytes.

    A square stands for several nodes where one each could not be seen, as full as the fullest.
    """
    bin_ = -(-count // SQUARES)
    drawn: dict[str, list[str]] = {}
    bad = []
    fullest: dict[tuple[int, int], Square] = {}
    for (p, s), one in cells.items():
        at = p // bin_, s // bin_
        if at not in fullest or fullest[at].part < one.part:
            fullest[at] = one
    side = -(-count // bin_)
    size = max(2.6, side / 60)
    left, top = 4 * size * 0.62 + 1, size + 1
    for (p, s), one in fullest.items():
        drawn.setdefault(step(one.part), []).append(f"M{s + left:g} {p + top:g}h1v1h-1z")
        if one.bad:
            bad.append(f"M{s + left - 0.5:g} {p + top - 0.5:g}h2v2h-2z")
    marks = range(0, side, 20)
    rules = "".join(f"M{left:g} {k + top:g}h{side}M{k + left:g} {top:g}v{side}" for k in marks)
    words = "".join(text(left - 0.6, k + top + size * 0.8, size, str(k * bin_ + 1), "name", "end")
                    + text(k + left, size, size, str(k * bin_ + 1), "name", "start") for k in marks)
    squares = "".join(f'<path class="{kind}" d="{"".join(paths)}"/>'
                      for kind, paths in sorted(drawn.items()))
    edges = f'<path class="flag" d="{"".join(bad)}"/>' if bad else ""
    frame = (f'<rect x="{left:g}" y="{top:g}" width="{side}" height="{side}" class="frame"/>'
             f'<path class="rule" d="{rules}"/>')
    return svg(side + left, side + top, label, f"{frame}{squares}{edges}{words}")


def curve(label: str, values: Sequence[float]) -> str:
    """How the score falls, step by step; values from zero up."""
    wide, high, left, top = 620, 150, 52, 14
    most = max(values, default=0) or 1.0
    last = max(len(values) - 1, 1)

    def points() -> Iterator[str]:
        for k, value in enumerate(values):
            yield f"{left + k / last * wide:.1f},{top + (1 - max(value, 0) / most) * high:.1f}"

    grid = "".join(f"M{left} {top + high * k / 4:g}h{wide}" for k in range(5))
    words = [text(left - 6, top + high * (1 - part) + 4, 11, f"{most * part:.3g}", "name", "end")
             for part in (0, 0.5, 1)]
    words += [text(left, top + high + 18, 11, "0 moves", "name", "start"),
              text(left + wide, top + high + 18, 11, str(len(values) - 1), "name", "end")]
    return svg(left + wide + 10, top + high + 24, label,
               f'<path class="rule" d="{grid}"/><polyline class="curve" '
               f'points="{" ".join(points())}"/>{"".join(words)}', 900)
