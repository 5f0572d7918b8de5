"""Columns of lists, ready to print: loaded in a millisecond, without the model.

``DIRECTORY/columns/KIND`` holds the head for which they were made and ``{field: list}``, in
``marshal`` form, each list by itself, so that a list of three fields reads three; whatever is not
for the copy's present head and this Python is not there.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

LAYOUT = 2
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


def load_columns(
    directory: str, kind: str, names: Iterable[str] = (),
) -> dict[str, list[Any]] | None:
    """These columns of a kind (without names: all) for the present head; None if one is not there.
    """
    at = head(directory)
    path = f"{directory}/columns/{kind}"
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            tag, packed = marshal.loads(file.read())
        if tag != _tag(at) or _overtaken(directory, at):
            return None
        return {name: marshal.loads(packed[name]) for name in names or packed}
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return None


def _overtaken(directory: str, at: str, node_head: str = NODE_HEAD) -> bool:
    """Whether this is a node whose own files are ahead of its copy."""
    return directory.startswith("/var/cache/") and _line(node_head) not in ("", at)


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
            packed = {name: marshal.dumps(values) for name, values in columns.items()}
            file.write(marshal.dumps((_tag(now), packed)))
        os.rename(fresh, f"{folder}/{kind}")
    except OSError:
        if os.path.exists(fresh):
            os.unlink(fresh)
