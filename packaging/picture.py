"""Draws the demo's output in the README as a picture of a terminal.

    python packaging/picture.py >man/demo.svg
"""

from __future__ import annotations

import pathlib
import sys
from xml.sax.saxutils import escape

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
WIDTH, HEIGHT, MARGIN = 7.25, 17, 14  # of a letter, of a line, around all
COLOURS = (  # how a line begins, its colour
    ("== ", "#ffffff"), ("admin$ ", "#56c8d8"), ("$ ", "#56c8d8"), ("       --", "#56c8d8"),
    ("gnt-instance: ", "#ff8a80"), ("  hint: ", "#ffd180"), ("  note: ", "#90a4ae"),
)
PLAIN = "#cfd8dc"


def shown(readme: str) -> list[str]:
    """The lines of the README's first block after "What it prints"."""
    return readme.partition("What it prints")[2].split("```\n")[1].splitlines()


def picture(lines: list[str]) -> str:
    """The lines as SVG."""
    width = int(max(map(len, lines)) * WIDTH) + 2 * MARGIN
    height = len(lines) * HEIGHT + 2 * MARGIN
    rows = "".join(
        f'<text x="{MARGIN}" y="{MARGIN + HEIGHT * number - 4}" fill="{_colour(line)}"'
        f'{bold(line)}>{escape(line)}</text>\n'
        for number, line in enumerate(lines, 1) if line)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="12" '
            f'xml:space="preserve">\n<rect width="{width}" height="{height}" rx="8" '
            f'fill="#1e272c"/>\n{rows}</svg>\n')


def bold(line: str) -> str:
    return ' font-weight="bold"' if line.startswith("== ") else ""


def _colour(line: str) -> str:
    return next((colour for start, colour in COLOURS if line.startswith(start)), PLAIN)


if __name__ == "__main__":
    sys.stdout.write(picture(shown(README.read_text())))
