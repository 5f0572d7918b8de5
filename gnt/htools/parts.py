"""Reading what others wrote: JSON objects whose keys are checked, with the place in every error.

Shared by the iallocator's requests and answers, RAPI's answers, monitoring reports and text files.
"""

from __future__ import annotations

from gnt.htools.world import TEMPLATES, BadData, Policy, Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SPEC_KEYS = {"memory": "memory-size", "cpus": "cpu-count", "disk_size": "disk-size",
             "disk_count": "disk-count", "nic_count": "nic-count", "spindle_use": "spindle-use"}
LARGEST = 2**53  # what a double holds exactly
ADMIN_STATES = {"up": "running", "down": "ADMIN_down", "offline": "ADMIN_offline"}


def read_text(path: str) -> str:
    """A file as text; ``-`` is the standard input."""
    import sys

    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8", newline="\n") as file:
            return file.read()
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: byte {error.start} is not UTF-8 text") from None


def read_json(path: str) -> Any:
    """A file of JSON."""
    return parse_json(read_text(path), path)


class Part:
    """A JSON object whose keys are read with checks; ``where`` is its path."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise BadData(f"{where}: {_short(value)} is not an object")
        self.value, self.where = value, where

    def get(self, key: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        if key not in self.value:
            if default:
                return default[0]
            raise BadData(f"{self.where}: the key {key!r} is missing")
        value = self.value[key]
        if value is None and default and default[0] is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadData(f"{self.where}.{key}: {_short(value)} is not {_kind(kind)}")
        if isinstance(value, (int, float)) and not abs(value) <= LARGEST:
            raise BadData(f"{self.where}.{key}: {_short(value)} is too large")
        return value

    def number(self, key: str, *default: Any) -> Any:
        return self.get(key, (int, float), *default)

    def whole(self, key: str, *default: Any) -> int:
        """The nearest whole number; of two the even one, as the reference reads them."""
        value: float = self.get(key, (int, float), *default)
        return round(value)

    def whole_or_none(self, key: str) -> int | None:
        value: float | None = self.get(key, (int, float), None)
        return None if value is None else round(value)

    def texts(self, key: str, *default: Any) -> tuple[str, ...]:
        values = self.get(key, list, *default)
        for value in values:
            if not isinstance(value, str):
                raise BadData(f"{self.where}.{key}: {_short(value)} is not a text")
        return tuple(values)

    def numbers(self, key: str, *default: Any) -> tuple[float, ...]:
        values = self.get(key, list, *default)
        inner = Part({str(k): v for k, v in enumerate(values)}, f"{self.where}.{key}")
        return tuple(inner.number(k) for k in inner.value)

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value: str = self.get(key, str)
        if value not in known:
            raise BadData(f"{self.where}.{key}: {value!r} is none of {', '.join(known)}")
        return value

    def part(self, key: str) -> Part:
        return Part(self.get(key, dict), f"{self.where}.{key}")

    def parts(self, key: str) -> list[tuple[str, Part]]:
        inner = self.get(key, dict)
        return [(name, Part(v, f"{self.where}.{key}.{name}")) for name, v in inner.items()]

    def list_of(self, key: str) -> list[Part]:
        return [Part(v, f"{self.where}.{key}[{k}]") for k, v in enumerate(self.get(key, list))]


def _short(value: Any) -> str:
    import json

    text = json.dumps(value, default=str)
    return text if len(text) < 40 else text[:37] + "..."


def _kind(kind: type | tuple[type, ...]) -> str:
    names = {str: "a text", int: "a number", float: "a number", bool: "true or false",
             dict: "an object", list: "a list"}
    return names[kind[0] if isinstance(kind, tuple) else kind]


def different(names: Sequence[str], where: str, what: str) -> dict[str, int]:
    """Name -> index; a name that comes twice is an error."""
    found: dict[str, int] = {}
    for k, name in enumerate(names):
        if name in found:
            raise BadData(f"{where}[{k}]: the {what} {name!r} comes twice, first at "
                          f"[{found[name]}]")
        found[name] = k
    return found


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} comes twice in one JSON object")
        found[key] = value
    return found


def parse_json(text: str, source: str) -> Any:
    import json

    try:
        return json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise BadData(f"{source}: nested too deeply") from None
    except ValueError as error:
        what = "" if str(error).startswith("the key ") else "not JSON: "
        raise BadData(f"{source}: {what}{error}") from None


def read_spec(p: Part) -> Spec:
    return Spec(**{field: p.whole(key) for field, key in SPEC_KEYS.items()})


def read_policy(p: Part) -> Policy:
    templates = p.texts("disk-templates")
    for name in templates:
        if name not in TEMPLATES:
            raise BadData(f"{p.where}.disk-templates: {name!r} is none of {', '.join(TEMPLATES)}")
    return Policy(
        std=read_spec(p.part("std")),
        minmax=tuple((read_spec(m.part("min")), read_spec(m.part("max")))
                     for m in p.list_of("minmax")),
        templates=templates, vcpu_ratio=float(p.number("vcpu-ratio")),
        spindle_ratio=float(p.number("spindle-ratio")),
    )
