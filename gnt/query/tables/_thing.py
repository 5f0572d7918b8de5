"""Rows that every object has."""

from __future__ import annotations

from gnt.query.field import Field, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def thing(noun: str) -> Iterator[Field]:
    """Creation, change, serial number, tags, uuid."""
    yield Field("ctime", "CTime", "timestamp", "When it was created", attribute("ctime"))
    yield Field("mtime", "MTime", "timestamp", "When it was last changed", attribute("mtime"))
    yield Field("serial_no", "SerialNo", "number",
                f"How often the {noun} was changed, from 1", attribute("serial_no"))
    yield Field("tags", "Tags", "other", "Its tags", attribute("tags"))
    yield Field("uuid", "UUID", "text", f"The {noun}'s uuid", attribute("uuid"))
