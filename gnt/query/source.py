"""Where a list's values come from: cached columns, or the objects themselves."""

from __future__ import annotations

from gnt.errors import Ambiguous, NotFound
from gnt.query.field import fields
from gnt.query.order import nice_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from gnt.query.view import View

    class Source(Protocol):
        """All objects of a kind, in nice order."""

        @property
        def size(self) -> int: ...
        def values(self, field: str, rows: Sequence[int]) -> list[Any]:
            """A field of some of the objects."""


KEYS = {"job": "id", "signer": "name"}  # the field that names an object; else "name"


def key_of(kind: str) -> str:
    return KEYS.get(kind, "name")


class Columns:
    """Values read before: ``{field: values}``, all in nice order."""

    def __init__(self, columns: Mapping[str, list[Any]]) -> None:
        self.columns = columns
        self.size = len(next(iter(columns.values()), ()))

    def values(self, field: str, rows: Sequence[int]) -> list[Any]:
        column = self.columns[field]
        if isinstance(rows, range) and len(rows) == len(column):
            return column
        return [column[row] for row in rows]


class Objects:
    """Values got from objects when they are asked for."""

    def __init__(self, kind: str, view: View, things: Sequence[Any]) -> None:
        self.view = view
        self.table = fields(kind)
        get = self.table[key_of(kind)].get
        order = nice_order([str(get(view, thing)) for thing in things])
        self.things = [things[at] for at in order]
        self.size = len(things)

    def values(self, field: str, rows: Sequence[int]) -> list[Any]:
        get, view = self.table[field].get, self.view
        return [get(view, self.things[row]) for row in rows]


def named_rows(source: Source, kind: str, words: Iterable[str]) -> list[int]:
    """The rows of the objects that ``words`` name, in the order of the words.

    A word is a name, a uuid, the only name that begins with ``word.``, or a pattern with ``*`` or
    ``?``; raises NotFound or Ambiguous.
    """
    everything = range(source.size)
    names = [str(name) for name in source.values(key_of(kind), everything)]
    places = {name: row for row, name in enumerate(names)}
    rows: list[int] = []
    for word in words:
        if word in places:
            rows.append(places[word])
        elif "*" in word or "?" in word:
            from gnt.query.globs import matcher

            match = matcher(word)
            rows.extend(row for row, name in enumerate(names) if match(name))
        else:
            rows.append(_short(source, kind, word, names))
    return list(dict.fromkeys(rows))


def _short(source: Source, kind: str, word: str, names: Sequence[str]) -> int:
    if "uuid" in fields(kind):
        uuids = source.values("uuid", range(source.size))
        if word in uuids:
            return uuids.index(word)
    matches = [row for row, name in enumerate(names) if name.startswith(word + ".")]
    if len(matches) > 1:
        raise Ambiguous(f"{kind} {word} may be {', '.join(names[row] for row in matches)}",
                        hint="give the full name")
    if not matches:
        import difflib

        close = difflib.get_close_matches(word, names, 1)
        raise NotFound(f"there is no {kind} {word}",
                       hint=f"did you mean {close[0]}?" if close else f"gnt-{kind} list shows all")
    return matches[0]
