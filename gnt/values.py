"""Kinds of values that people type: how each is read, checked and shown.

A :class:`Kind` turns text into a value or raises :class:`~gnt.errors.Invalid` naming the text and
the allowed range.  Sizes are MiB; durations are seconds.
"""

from __future__ import annotations

from gnt.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Generic, TypeVar

    T_co = TypeVar("T_co", covariant=True)
    Scalar = str | int | float | bool | None

    class _Generic(Generic[T_co]): ...
else:

    class _Generic:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    T_co = None


class Kind(_Generic[T_co]):
    """Reads one value from text.  ``metavar`` names it in help, ``expected`` says its range."""

    def __init__(
        self,
        read: Callable[[str], T_co],
        metavar: str,
        expected: str,
        *,
        choices: tuple[str, ...] = (),
        complete: str = "",
        bare: str | None = None,
    ) -> None:
        self._read = read
        self.bare = bare  # what an option means that is given without its value; None: refused
        self.metavar = metavar
        self.expected = expected
        self.choices = choices
        self.complete = complete

    def read(self, text: str, where: str = "") -> T_co:
        """The value of ``text``; ``where`` names the option or path in the error."""
        try:
            return self._read(text)
        except Invalid as error:
            raise Invalid(where or error.where, error.problem, hint=error.hint) from None
        except (ValueError, OverflowError):
            raise Invalid(where, f"{text!r} is not {self.expected}") from None


def natural(text: str) -> int:
    """A whole number as programs write it, 0 or more; ValueError for any other text.

    ``int`` would take signs, blanks, ``1_000`` and the digits of other scripts.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(f"{text[:60]!r} is not a whole number")
    return int(text)


_POINTED = frozenset("0123456789.")
_SUFFIXES = {"m": 1, "g": 1024, "t": 1024 * 1024}
SIZE_STEP = 4  # MiB; sizes are rounded up to it, as the reference does


def read_size(text: str) -> int:
    """MiB of ``512``, ``1.5g``, ``2T``, rounded up to a multiple of 4 MiB."""
    bare = text.strip(" ").lower().removesuffix("ib").removesuffix("b") or "?"
    factor = _SUFFIXES.get(bare[-1], 0)
    digits = (bare[:-1] if factor else bare).rstrip(" ")
    number = float(digits)
    if not _POINTED.issuperset(digits) or number >= 2**40:
        raise ValueError(text)
    exact = number * (factor or 1)
    whole = int(exact) + (exact > int(exact))
    return (whole + SIZE_STEP - 1) // SIZE_STEP * SIZE_STEP


def show_size(mib: int, units: str = "h") -> str:
    """``units``: ``h`` human (one decimal, a letter), else ``m``, ``g``, ``t``, no letter."""
    if units == "m" or (units == "h" and mib < 1024):
        return f"{mib}M" if units == "h" else f"{mib}"
    if units == "g" or (units == "h" and mib < 1024 * 1024):
        return f"{mib / 1024:.1f}{'G' if units == 'h' else ''}"
    return f"{mib / 1024 / 1024:.1f}{'T' if units == 'h' else ''}"


def read_bool(text: str) -> bool:
    value = {
        "yes": True,
        "true": True,
        "on": True,
        "1": True,
        "y": True,
        "no": False,
        "false": False,
        "off": False,
        "0": False,
        "n": False,
    }.get(text.lower())
    if value is None:
        raise ValueError(text)
    return value


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def read_duration(text: str) -> int:
    """Seconds of ``90``, ``5m``, ``2h``, ``1d``, ``3w``."""
    factor = _SECONDS.get(text[-1:].lower(), 0)
    return natural(text[:-1] if factor else text) * (factor or 1)


def whole(low: int, high: int | None = None) -> Kind[int]:
    """Whole numbers from ``low`` to ``high``."""
    bound = (
        f"a whole number from {low} to {high}"
        if high is not None
        else (f"a whole number, {low} or more")
    )

    def read(text: str) -> int:
        value = -natural(text[1:]) if text.startswith("-") else natural(text)
        if value < low or (high is not None and value > high):
            raise ValueError(text)
        return value

    return Kind(read, "N", bound)


def real(low: float, high: float | None = None) -> Kind[float]:
    """Numbers from ``low`` to ``high``."""
    bound = (
        f"a number from {low:g} to {high:g}" if high is not None else f"a number, {low:g} or more"
    )

    def read(text: str) -> float:
        value = float(text)
        known = _POINTED.issuperset(text.lower().translate({ord(sign): "" for sign in "e+-"}))
        if not known or not low <= value or value > (1e308 if high is None else high):
            raise ValueError(text)
        return value

    return Kind(read, "NUMBER", bound)


def choice(*words: str) -> Kind[str]:
    """One of some words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind(
        read,
        "|".join(w or "''" for w in words),
        "one of " + ", ".join(w or "''" for w in words),
        choices=words,
    )


def words_of(kind: Kind[str] | None = None, separator: str = ",") -> Kind[tuple[str, ...]]:
    """A list of words; the empty text is the empty list."""

    def read(text: str) -> tuple[str, ...]:
        parts = [part.strip() for part in text.split(separator)] if text else []
        return tuple(kind.read(part) if kind else part for part in parts)

    return Kind(read, "A,B,…", "a comma-separated list")


def split_commas(text: str) -> list[str]:
    """Split at commas; ``\\,`` is a comma that does not split."""
    parts, current, escaped = [], [], False
    for char in text:
        if escaped:
            current.append(char if char in ",\\" else "\\" + char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            parts.append("".join(current))
            current = []
        else:
            current.append(char)
    parts.append("".join(current) + ("\\" if escaped else ""))
    return parts


RESET = "default"  # a parameter with this value goes back to what it inherits


def read_pairs(text: str) -> Mapping[str, str]:
    """``k=v,k2=v2``; ``no_k`` stands for ``k=no``, ``-k`` for ``k=default``."""
    pairs: dict[str, str] = {}
    for part in split_commas(text) if text else []:
        key, equals, value = part.partition("=")
        if not equals:
            if key.startswith("no_"):
                key, value = key[3:], "no"
            elif key.startswith("-"):
                key, value = key[1:], RESET
            else:
                value = "yes"
        if not key:
            raise Invalid("", f"{part!r} has no key (write key=value)")
        if key in pairs:
            raise Invalid("", f"{key!r} is given twice")
        pairs[key] = value
    return pairs


def read_named_pairs(text: str) -> tuple[str, Mapping[str, str]]:
    """``name:k=v,k2=v2`` or ``name`` alone."""
    name, _, rest = text.partition(":")
    if not name:
        raise ValueError(text)
    return name, read_pairs(rest)


def _tag(text: str) -> str:
    allowed = set(".+*/:@-_")
    if not 1 <= len(text) <= 128 or not all(
        (c.isascii() and c.isalnum()) or c in allowed for c in text
    ):
        raise ValueError(text)
    return text


def _hostname(text: str) -> str:
    name = text.lower()
    labels = name.split(".")
    good = all(
        0 < len(label) <= 63
        and label[0] != "-"
        and label[-1] != "-"
        and all((c.isascii() and c.isalnum()) or c in "-_" for c in label)
        for label in labels
    )
    if not good or len(name) > 253:
        raise ValueError(text)
    return name


_HEX = frozenset("0123456789abcdef")


def _mac(text: str) -> str:
    parts = text.lower().split(":")
    if len(parts) != 6 or any(len(p) != 2 or not _HEX.issuperset(p) for p in parts):
        raise ValueError(text)
    if int(parts[0], 16) & 1:
        raise Invalid("", f"{text!r} is a multicast address; the first octet must be even")
    return ":".join(parts)


def _ip(text: str) -> str:
    import ipaddress

    address = ipaddress.ip_address(text)
    if "%" in text:  # a zone is of one machine; what follows the sign can be anything
        raise ValueError(text)
    return str(address)


def _absolute(text: str) -> str:
    if not text.startswith("/") or not text.isprintable() or "/../" in text + "/":
        raise ValueError(text)
    return text


TEXT: Kind[str] = Kind(str, "TEXT", "a text")
BOOL: Kind[bool] = Kind(read_bool, "yes|no", "yes or no", choices=("yes", "no"))
SIZE: Kind[int] = Kind(read_size, "SIZE", "a size: a number with m, g or t (MiB without)")
DURATION: Kind[int] = Kind(read_duration, "SECONDS", "a time in seconds, or with m, h, d, w")
PAIRS: Kind[Mapping[str, str]] = Kind(read_pairs, "KEY=VALUE,…", "a list of key=value")
NAMED_PAIRS: Kind[tuple[str, Mapping[str, str]]] = Kind(
    read_named_pairs, "NAME:KEY=VALUE,…", "a name, a colon and a list of key=value"
)
TAG: Kind[str] = Kind(_tag, "TAG", "a tag: 1 to 128 of letters, digits and _.+*/:@-")
HOSTNAME: Kind[str] = Kind(
    _hostname, "NAME", "a host name: labels of letters, digits and - joined by dots"
)
MAC: Kind[str] = Kind(_mac, "MAC", "a MAC address: six hexadecimal octets joined by colons")
IP: Kind[str] = Kind(_ip, "ADDRESS", "an IPv4 or IPv6 address")
PATH: Kind[str] = Kind(_absolute, "PATH", "an absolute path without ..")
