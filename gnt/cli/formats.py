"""Answers as data: JSON, YAML, CSV; and tables in other people's styles, by tabulate."""

from __future__ import annotations

import json

from gnt.errors import UsageError
from gnt.query.cells import Absent
from gnt.spec import Lines, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.cli.general import Layout
    from gnt.spec import Document


def formatted(answer: Table | Document | Lines, layout: Layout) -> str:
    """The answer in ``layout.format``."""
    if layout.format == "json":
        return json.dumps(data(answer), indent=2) + "\n"
    if layout.format == "yaml":
        return "".join(line + "\n" for line in yaml(data(answer)))
    if not isinstance(answer, Table):
        raise UsageError(f"--format {layout.format} is for tables, and this is none",
                         hint="--format json or --format yaml")
    return _csv(answer, layout) if layout.format == "csv" else _tabulated(answer, layout)


def data(answer: Table | Document | Lines) -> Any:
    """The answer as mappings, lists and scalars."""
    if isinstance(answer, Table):
        names = [column.name for column in answer.columns]
        return [dict(zip(names, map(_bare, row), strict=True)) for row in answer.rows]
    if isinstance(answer, Lines):
        return _bare(list(answer.lines) if answer.data is None else answer.data)
    return _bare(answer.content)


def _bare(value: Any) -> Any:
    if isinstance(value, Absent):
        return None
    if isinstance(value, dict):
        return {str(key): _bare(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bare(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def yaml(value: Any, indent: str = "") -> Iterator[str]:
    """Block style; every scalar is written as JSON writes it, which YAML reads alike."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _yaml_under(f"{indent}{_scalar(key)}:", item, indent + "  ")
    elif isinstance(value, list) and value:
        for item in value:
            if isinstance(item, (dict, list)) and item:
                first, *others = yaml(item, indent + "  ")
                yield f"{indent}- {first[len(indent) + 2:]}"
                yield from others
            else:
                yield f"{indent}- {_scalar(item)}"
    else:
        yield indent + _scalar(value)


def _yaml_under(label: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, (dict, list)) and item:
        yield label
        yield from yaml(item, indent)
    else:
        yield f"{label} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value.isidentifier() and value.isascii() and not _word(value):
        return value
    return json.dumps(value, ensure_ascii=True)


def _word(value: str) -> bool:
    """Whether YAML would read the bare word as something else than a text."""
    return value.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan",
                             "inf")


def _csv(table: Table, layout: Layout) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=_delimiter(layout), lineterminator="\n")
    if not layout.no_headers:
        writer.writerow([column.name for column in table.columns])
    for row in data(table):
        writer.writerow([_csv_cell(value) for value in row.values()])
    return out.getvalue()


def _delimiter(layout: Layout) -> str:
    if layout.separator is not None and len(layout.separator) != 1:
        raise UsageError("--separator must be one character with --format csv")
    return layout.separator or ","


def _csv_cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _tabulated(table: Table, layout: Layout) -> str:
    from tabulate import tabulate

    from gnt.cli.render import RIGHT, shown

    cells = [shown(column, [row[at] for row in table.rows], layout)
             for at, column in enumerate(table.columns)]
    headers = [] if layout.no_headers else [column.title for column in table.columns]
    return tabulate(
        list(zip(*cells, strict=True)), headers=headers, tablefmt=layout.format,
        disable_numparse=True,
        colalign=["right" if c.kind in RIGHT else "left" for c in table.columns] or None,
    ) + "\n"
