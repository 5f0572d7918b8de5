"""Rows about an instance's disks: the n-th one's, and lists of all."""

from __future__ import annotations

from gnt.query.cells import UNAVAIL
from gnt.query.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gnt.query.view import View

MOST = 16
_ROWS = (  # name, its list, title of one, title of the list, kind
    ("name", "names", "DiskName", "Disk_names", "text"),
    ("size", "sizes", "Disk", "Disk_sizes", "unit"),
    ("spindles", "spindles", "DiskSpindles", "Disk_spindles", "number"),
    ("uuid", "uuids", "DiskUUID", "Disk_UUIDs", "text"),
)


def disks() -> Iterator[Field]:
    """All rows about disks."""
    yield Field("disk.count", "Disks", "number", "Number of disks", lambda v, i: len(i.disks))
    for name, plural, title, titles, kind in _ROWS:
        yield Field(f"disk.{plural}", titles, "other", f"List of each disk's {name}", _all(name))
        for at in range(MOST):
            yield Field(f"disk.{name}/{at}", f"{title}/{at}", kind, f"Disk {at}: {name}",
                        _one(name, at))
    for at, old in enumerate(("sda_size", "sdb_size")):
        yield Field(old, f"Disk/{at}", "unit", f"Disk {at}: size", _one("size", at))
    yield Field("disk_usage", "DiskUsage", "unit",
                "Disk space that the instance takes on each of its nodes",
                lambda v, i: v.disk_usage(i))


def _one(name: str, at: int) -> Callable[[View, Any], Any]:
    def get(view: View, inst: Any) -> Any:
        if at >= len(inst.disks):
            return UNAVAIL
        value = getattr(view.disks(inst)[at], name)
        return UNAVAIL if value is None else value

    return get


def _all(name: str) -> Callable[[View, Any], list[Any]]:
    return lambda view, inst: [getattr(disk, name) for disk in view.disks(inst)]
