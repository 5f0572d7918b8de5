"""Kinds of values that only KVM's parameters have."""

from __future__ import annotations

from gnt.values import PATH, Kind


def _image(text: str) -> str:
    return text if text.startswith(("http://", "https://", "ftp://")) else _maybe_path(text)


def _maybe_path(text: str) -> str:
    return PATH.read(text) if text else text


def _words(text: str) -> str:
    import shlex

    shlex.split(text)  # ValueError on an open quote
    return text


def _cpu_mask(text: str) -> str:
    for mask in text.split(":"):
        if mask != "all":
            cpus_of(mask)
    return text


def cpus_of(mask: str) -> tuple[int, ...]:
    """``1,3-5`` as (1, 3, 4, 5); ValueError on anything else."""
    cpus: set[int] = set()
    for part in mask.split(","):
        low, dash, high = part.partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            raise ValueError(mask)
        first, last = int(low), int(high or low)
        if not first <= last < 8192:
            raise ValueError(mask)
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


IMAGE: Kind[str] = Kind(_image, "PATH|URL", "empty, an absolute path or an http, https or ftp URL")
MAYBE_PATH: Kind[str] = Kind(_maybe_path, "PATH", "empty or an absolute path without ..")
WORDS: Kind[str] = Kind(_words, "ARGUMENTS", "words quoted as for a shell")
CPU_MASK: Kind[str] = Kind(
    _cpu_mask,
    "CPUS",
    "all, a list of CPUs like 1,3-5, or one such list per virtual CPU joined by colons",
)
