"""Bad input made from good: every place of it, with every bad value that there may stand."""

from __future__ import annotations

import copy
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Path = tuple[str | int, ...]

LITERAL = {"NaN!": "NaN", "Inf!": "Infinity", "-Inf!": "-Infinity", "1e400!": "1e400",
           "Deep!": "[" * 600 + "]" * 600, "Twice!": '{"a": 1, "a": 2}'}
VALUES = (
    None, True, -1, 0, 0.5, 2**31, 2**53, 2**63, 10**400, 1e308, -1e308, "", "x", "node1", "u1",
    "default", "a|b", "a\nb", "\u001b[2J", "\ud800", "y" * 9999, [], {}, [None], [[]], ["node1"],
    [1], {"a": 1}, *LITERAL)
KEYS = ("", "x", "a\nb", "k" * 9999, "1")
FIELDS = ("", "0", "-1", "0.5", "-0", "2147483648", "9007199254740993", "9" * 5000, "1e400",
          "1e308", "nan", "inf", "0x10", "1_0", "٣", "é", "\u2028", "\0", " ", "?", "-", "Y",
          "N", ",", ";",
          "node1", "inst1", "y" * 9999)


def text(value: Any) -> str:
    """As JSON, with what JSON's writer would not write."""
    made = json.dumps(value)
    for word, literal in LITERAL.items():
        made = made.replace(json.dumps(word), literal)
    return made


def documents(good: Any) -> Iterator[tuple[str, str]]:
    """(what is bad, JSON text): each value exchanged, left out, doubled, or renamed."""
    for path in _paths(good):
        for value in VALUES:
            yield f"{path} = {value!r:.20}", text(_put(good, path, value))
        if path:
            yield f"{path} left out", text(_without(good, path))
            yield from _renamed(good, path)
    whole = text(good)
    for at in range(0, len(whole), 7):
        yield f"cut at {at}", whole[:at]


def lines(good: str) -> Iterator[tuple[str, str]]:
    """(what is bad, text): each field exchanged, each line left out or doubled, cut anywhere."""
    every = good.split("\n")
    for number, line in enumerate(every):
        fields = line.split("|")
        for k in range(len(fields)):
            for value in FIELDS:
                changed = "|".join([*fields[:k], value, *fields[k + 1:]])
                yield f"{number}.{k} = {value!r:.20}", "\n".join(
                    [*every[:number], changed, *every[number + 1:]])
        yield f"{number} left out", "\n".join(every[:number] + every[number + 1:])
        yield f"{number} twice", "\n".join([*every[:number], line, line, *every[number + 1:]])
    for at in range(len(good)):
        yield f"cut at {at}", good[:at]


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    inner = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, part in inner:
        yield from _paths(part, (*path, key))


def _put(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = _put(value[path[0]], path[1:], new)
    return made


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _without(value: Any, path: Path) -> Any:
    made = copy.deepcopy(value)
    del _at(made, path[:-1])[path[-1]]
    return made


def _renamed(good: Any, path: Path) -> Iterator[tuple[str, str]]:
    if isinstance(path[-1], int):
        made = copy.deepcopy(good)
        _at(made, path[:-1]).append(_at(made, path))
        yield f"{path} twice", text(made)
        return
    for key in KEYS:
        made = copy.deepcopy(good)
        inner = _at(made, path[:-1])
        inner[key] = inner.pop(path[-1])
        yield f"{path} named {key!r:.20}", text(made)
