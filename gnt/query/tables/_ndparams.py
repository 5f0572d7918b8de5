"""Rows for node parameters, which nodes and groups share."""

from __future__ import annotations

from gnt.query.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_ROWS = (
    ("cpu_speed", "ndp/cpu_speed", "float", "Processor speed, relative to other nodes"),
    ("exclusive_storage", "ExclusiveStorage", "bool", "Disks get physical volumes of their own"),
    ("oob_program", "OutOfBandProgram", "other", "The helper that switches power"),
    ("ovs", "OpenvSwitch", "bool", "Whether Open vSwitch is set up"),
    ("ovs_link", "OpenvSwitchLink", "other", "The uplink of the Open vSwitch"),
    ("ovs_name", "OpenvSwitchName", "other", "The name of the Open vSwitch"),
    ("spindle_count", "SpindleCount", "number", "Number of spindles"),
    ("ssh_port", "ndp/ssh_port", "number", "Port of the ssh server"),
)


def ndparams(filled: Callable[[Any, Any], Any]) -> Iterator[Field]:
    """One row per node parameter; ``filled(view, object)`` gives them."""
    for name, title, kind, doc in _ROWS:
        yield _row(name, title, kind, doc, filled)


def _row(name: str, title: str, kind: str, doc: str, filled: Callable[[Any, Any], Any]) -> Field:
    return Field(f"ndp/{name}", title, kind, doc,
                 lambda view, thing: getattr(filled(view, thing), name))
