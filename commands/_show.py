"""How info commands show values."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def drop_empty(content: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not set; zero and False are."""
    return {key: value for key, value in content.items()
            if value is not None and value not in ("", [], (), {})}


def stamp(seconds: float) -> str:
    """A point in time, local, to the second; empty for none."""
    if not seconds:
        return ""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
