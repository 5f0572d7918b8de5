"""Canonical TOML: one byte sequence for one document, so that it can be signed and hashed.

The written form is a small subset: tables ``[a]`` and ``[a.b]``, everything deeper inline, one
space around ``=``, basic strings.  ``htools_ext/ctoml.pyx`` reads exactly this subset fast; what a
person or another program wrote is read by tomli and held to the same bounds.
"""

from __future__ import annotations

from _json import encode_basestring  # the C function itself: ``json`` costs 9 ms to import

from gnt.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

MAX_DOCUMENT = 512 * 1024 * 1024  # bytes of one file
MAX_DEPTH = 32  # arrays and tables inside each other
MAX_INTEGER = 2**63 - 1
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def _text(text: str) -> str:
    encoded: str = encode_basestring(text)
    return encoded.replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """A key as TOML writes it: bare where that is allowed."""
    return name if name and _BARE.issuperset(name) else _text(name)


def value(item: Any, where: str = "", depth: int = 0) -> str:
    """One value in the inline form; raises Damaged naming ``where`` for what TOML cannot hold."""
    kind = type(item)
    if kind is str:
        return _text(item)
    if kind is bool:
        return "true" if item else "false"
    if kind is int and -MAX_INTEGER <= item <= MAX_INTEGER:
        return repr(item)
    if kind is float and -1.8e308 < item < 1.8e308:  # not nan, not infinite
        return repr(item)
    if depth > MAX_DEPTH:
        raise Damaged(f"{where}: nested more than {MAX_DEPTH} deep")
    if kind is list or kind is tuple:
        inside = [value(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(item)]
        return "[" + ", ".join(inside) + "]"
    if kind is dict:
        pairs = [f"{key(k)} = {value(v, f'{where}.{k}', depth + 1)}" for k, v in item.items()]
        return "{" + ", ".join(pairs) + "}"
    raise Damaged(f"{where}: {item!r} cannot be stored")


def table(path: tuple[str, ...], data: Mapping[str, Any]) -> str:
    """One table with its header, without the empty line after it."""
    header = ".".join(map(key, path))
    lines = [f"{key(k)} = {value(v, f'{header}.{k}')}\n" for k, v in data.items()]
    return f"[{header}]\n" + "".join(lines)


def encode(text: str, where: str) -> bytes:
    """The bytes of a document; lone surrogates cannot be stored."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Damaged(f"{where}: text that is not Unicode (character {error.start})") from None


def document(tables: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]], where: str = "") -> bytes:
    """Several tables, an empty line after each."""
    return encode("".join(table(path, data) + "\n" for path, data in tables), where)


def read(data: bytes, where: str, limit: int = MAX_DOCUMENT) -> dict[str, Any]:
    """The document in ``data``; Damaged names ``where`` and the line of what is wrong."""
    if len(data) > limit:
        raise Damaged(f"{where}: {len(data)} bytes are more than the {limit} allowed")
    try:
        from gnt.htools_ext import ctoml
    except ImportError:  # a source tree whose extension was not built: slower, same answers
        return _read_any(data, where)
    try:
        return _quickly(ctoml.loads, data)
    except ctoml.NotCanonical:
        return _read_any(data, where)


def _quickly(loads: Any, data: bytes) -> dict[str, Any]:
    """Load with the cyclic collector off: it doubles the time and finds nothing."""
    import gc

    running = gc.isenabled()
    gc.disable()
    try:
        loaded: dict[str, Any] = loads(data)
    finally:
        if running:
            gc.enable()
    return loaded


def _read_any(data: bytes, where: str) -> dict[str, Any]:
    import tomli

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Damaged(f"{where}, line {line}: not UTF-8") from None
    try:
        loaded = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise Damaged(f"{where}: {error}") from None
    except (RecursionError, ValueError):  # absurd nesting; integers of thousands of digits
        raise Damaged(f"{where}: not a configuration: nesting or numbers without bound") from None
    _bounded(loaded, where, -2)  # [a] and [a.b] do not count, as they do not in the fast reader
    return loaded


def _bounded(item: Any, where: str, depth: int) -> None:
    """Refuse what the writer would never write."""
    kind = type(item)
    if kind is dict or kind is list:
        if depth > MAX_DEPTH:
            raise Damaged(f"{where}: nested more than {MAX_DEPTH} deep")
        pairs = item.items() if kind is dict else enumerate(item)
        for name, inner in pairs:
            _bounded(inner, f"{where}.{name}" if depth > -2 else f"{where}: {name}", depth + 1)
    else:
        value(item, where)
