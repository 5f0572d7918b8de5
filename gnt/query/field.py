"""One row of a field table, and how tables of fields are found."""

from __future__ import annotations

from gnt.errors import UnknownField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    Getter = Callable[[Any, Any], Any]  # (view, object) -> value


class Field:
    """A field of a query.

    ``kind``: text, bool, number, float, unit (MiB), timestamp, other.  ``get`` takes the view and
    the object.  A live field needs answers from nodes.
    """

    __slots__ = ("doc", "get", "kind", "live", "name", "title")

    def __init__(
        self, name: str, title: str, kind: str, doc: str, get: Getter, live: bool = False,
    ) -> None:
        self.name, self.title, self.kind, self.doc = name, title, kind, doc
        self.get, self.live = get, live


def attribute(name: str) -> Getter:
    """Gets an attribute of the object."""
    return lambda _, thing: getattr(thing, name)


def tabled(*rows: Field | Iterable[Field]) -> dict[str, Field]:
    """A field table, by name, from rows and generated families of rows."""
    table: dict[str, Field] = {}
    for row in rows:
        for field in [row] if isinstance(row, Field) else row:
            assert field.name not in table, field.name
            table[field.name] = field
    return table


def fields(kind: str) -> Mapping[str, Field]:
    """The field table of a kind of object (a module of ``gnt.query.tables``)."""
    import sys

    name = f"gnt.query.tables.{kind}"
    __import__(name)
    table: Mapping[str, Field] = sys.modules[name].FIELDS
    return table


def default_output(kind: str) -> tuple[str, ...]:
    """The fields that a list shows by itself."""
    import sys

    fields(kind)
    names: tuple[str, ...] = sys.modules[f"gnt.query.tables.{kind}"].DEFAULT
    return names


def output(kind: str, text: str | None) -> tuple[Field, ...]:
    """The fields that ``-o`` names: ``a,b`` instead of the usual ones, ``+a,b`` after them."""
    if text is None:
        names = default_output(kind)
    elif text.startswith("+"):
        names = (*default_output(kind), *_words(text[1:]))
    else:
        names = _words(text)
    table = fields(kind)
    return tuple(known(kind, table, name) for name in names)


def known(kind: str, table: Mapping[str, Field], name: str) -> Field:
    """The field of this name; raises UnknownField with the closest one."""
    field = table.get(name)
    if field is None:
        import difflib

        close = difflib.get_close_matches(name, table, 1)
        raise UnknownField(
            f"{kind}s have no field {name!r}" if name else "a field without a name",
            hint=f"did you mean {close[0]}?" if close else f"gnt-{kind} list-fields shows all")
    return field


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))
