"""Plain data (what TOML holds) to records and back, with errors that name the path.

Absent keys take the field's default and defaults are not written, so a new field with a default
needs no upgrade step.  ``None`` is never written: TOML has none.
"""

from __future__ import annotations

import sys
from types import GenericAlias, UnionType

from gnt.errors import Damaged
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    R = TypeVar("R", bound=Record)

_RESOLVED: dict[type, dict[str, Any]] = {}
_EVALUATED: dict[tuple[str, str], Any] = {}


def to_data(record: Record) -> dict[str, Any]:
    """The fields of a record that differ from their defaults, as TOML-ready data."""
    defaults = record.DEFAULTS
    return {
        name: _plain(value)
        for name, value in record.items()
        if value is not None and not (name in defaults and defaults[name] == value)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return to_data(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return value


def from_data(cls: type[R], data: Mapping[str, Any], path: str) -> R:
    """The record of ``data``; raises Damaged naming ``path`` and the field that is wrong."""
    if not isinstance(data, dict):
        raise Damaged(f"{path}: expected a table, found {type(data).__name__}")
    types = _types(cls)
    for name in data:
        if name not in types:
            raise Damaged(f"{path}.{name}: unknown field")
    values = {name: _typed(types[name], item, f"{path}.{name}") for name, item in data.items()}
    for name in cls.NAMES:
        if name not in values and name not in cls.DEFAULTS:
            raise Damaged(f"{path}.{name}: missing")
    return cls(**values)


def _types(cls: type[Record]) -> dict[str, Any]:
    found = _RESOLVED.get(cls)
    if found is None:
        found = _RESOLVED[cls] = {
            name: _EVALUATED.get(written) or _evaluated(written)
            for name, written in cls.TYPES.items()
        }
    return found


def _evaluated(written: tuple[str, str]) -> Any:
    """The type that an annotation in a module means; most fields share a few of them."""
    annotation, module = written
    found = _EVALUATED[written] = eval(annotation, vars(sys.modules[module]))
    return found


def _typed(kind: Any, value: Any, path: str) -> Any:
    if kind is object:
        return value
    if isinstance(kind, GenericAlias):
        return _generic(kind, value, path)
    if isinstance(kind, UnionType):
        if any(type(value) is option for option in kind.__args__):
            return value
        if float in kind.__args__ and type(value) is int:
            return value
    elif isinstance(kind, type) and issubclass(kind, Record):
        return from_data(kind, value, path)
    elif type(value) is kind:
        return value
    elif kind is float and type(value) is int:
        return float(value)
    name = getattr(kind, "__name__", str(kind))
    raise Damaged(f"{path}: expected {name}, found {value!r}")


def _generic(kind: Any, value: Any, path: str) -> Any:
    arguments = kind.__args__
    if kind.__origin__ is tuple:
        if not isinstance(value, list):
            raise Damaged(f"{path}: expected a list, found {value!r}")
        if arguments[-1] is Ellipsis:
            return tuple(_typed(arguments[0], v, f"{path}[{i}]") for i, v in enumerate(value))
        if len(value) != len(arguments):
            raise Damaged(f"{path}: expected {len(arguments)} items, found {len(value)}")
        return tuple(
            _typed(k, v, f"{path}[{i}]")
            for i, (k, v) in enumerate(zip(arguments, value, strict=True))
        )
    if not isinstance(value, dict):
        raise Damaged(f"{path}: expected a table, found {value!r}")
    return {key: _typed(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
