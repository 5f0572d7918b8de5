"""The columns worth keeping: what lists are asked for most, answered without any object.

``columns_of`` is called when a configuration was loaded anyway; the cache that keeps its result
is ``gnt.config.columns``, valid for one head.
"""

from __future__ import annotations

from sys import intern

from gnt.query.field import fields
from gnt.query.source import Objects
from gnt.query.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.model.config import Config

KEPT: Mapping[str, tuple[str, ...]] = {
    "instance": (
        "name", "uuid", "pnode", "pnode.group", "snodes", "hypervisor", "os", "admin_state",
        "admin_up", "admin_state_source", "disk_template", "disk.count",
        "be/maxmem", "be/minmem", "be/vcpus", "vcpus", "nic.count", "ip", "mac", "network_port",
        "tags", "ctime", "mtime", "serial_no",
    ),
    "node": (
        "name", "uuid", "group", "pip", "sip", "role", "master", "master_candidate", "offline",
        "drained", "vm_capable", "master_capable", "powered", "pinst_cnt", "sinst_cnt", "tags",
        "ctime", "mtime", "serial_no",
    ),
    "group": ("name", "uuid", "node_cnt", "pinst_cnt", "alloc_policy", "ndparams", "tags",
              "node_list", "ctime", "mtime", "serial_no"),
    "network": ("name", "uuid", "network", "gateway", "mac_prefix", "group_list", "tags",
                "ctime", "mtime", "serial_no"),
}


def columns_of(kind: str, cfg: Config) -> dict[str, list[Any]]:
    """The kept columns of all objects of a kind, in nice order, as plain data."""
    source = Objects(kind, View(cfg), getattr(cfg, kind + "s"))
    table = fields(kind)
    everything = range(source.size)
    return {name: [_stored(value) for value in source.values(name, everything)]
            for name in KEPT[kind] if name in table}


def _stored(value: Any) -> Any:
    """A value that marshal keeps; equal texts are shared; absent is None."""
    if isinstance(value, str):
        return intern(value)
    if isinstance(value, tuple):
        return [_stored(item) for item in value]
    if isinstance(value, (int, float, list, dict)):
        return value
    return None
