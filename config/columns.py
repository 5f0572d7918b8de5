"""Columns of lists, ready to print: loaded in a millisecond, without the model.

``DIRECTORY/columns/KIND`` holds the head for which they were made and ``{field: list}``, in
``marshal`` form; whatever is not for the copy's present head and this Python is not there.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LAYOUT = 1
NODE_HEAD = "/var/lib/gnt/config/head"  # on the master and on candidates: newer than any copy


def head(directory: str) -> str:
    """The head of the verified copy in ``directory``; empty when there is none."""
    return _line(f"{directory}/config/head")


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _tag(at: str) -> tuple[int, str, str]:
    return LAYOUT, str(sys.implementation.cache_tag), at


def load_columns(directory: str, kind: str) -> dict[str, list[Any]] | None:
    """The columns of a kind for the present head, or None."""
    at = head(directory)
    if not at or _overtaken(directory, at):
        return None
    path = f"{directory}/columns/{kind}"
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            tag, columns = marshal.load(file)
    except (OSError, ValueError, EOFError, TypeError):
        return None
    if tag != _tag(at):
        return None
    made: dict[str, list[Any]] = columns
    return made


def _overtaken(directory: str, at: str) -> bool:
    """Whether this is a node whose own files are ahead of its copy."""
    return directory.startswith("/var/cache/") and _line(NODE_HEAD) not in ("", at)


def save_columns(
    directory: str, kind: str, at: str, columns: Mapping[str, list[Any]],
) -> None:
    """Keep columns; ``at`` is the hash of the head they were made from.

    Nothing is kept when the copy has moved on meanwhile, or cannot be written.
    """
    now = head(directory)
    if at not in now.split(" "):
        return
    folder = f"{directory}/columns"
    fresh = f"{folder}/.{kind}.{os.getpid()}"
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(marshal.dumps((_tag(now), dict(columns))))
        os.rename(fresh, f"{folder}/{kind}")
    except OSError:
        return
