"""Fields of the cluster."""

from __future__ import annotations

from gnt import __version__
from gnt.query.cells import UNAVAIL
from gnt.query.field import Field, attribute, tabled

DEFAULT = ("name", "master_node", "software_version")


def _architecture() -> list[str]:
    import os
    import sys

    return ["64bit" if sys.maxsize > 2**32 else "32bit", os.uname().machine]


FIELDS = tabled(
    Field("architecture", "ArchInfo", "other", "Word size and kind of this machine",
          lambda v, c: _architecture()),
    Field("cluster_name", "Name", "text", "Its name", attribute("cluster_name")),
    Field("config_version", "ConfigVersion", "number", "Format of its configuration",
          attribute("schema")),
    Field("ctime", "CTime", "timestamp", "When it was created", attribute("ctime")),
    Field("drain_flag", "QueueDrained", "bool", "Whether new jobs are refused",
          lambda v, c: False),
    Field("export_version", "ExportVersion", "number", "Format of instance exports",
          lambda v, c: 0),
    Field("master_node", "Master", "text", "Its master node",
          lambda v, c: v.node(c.master_node).name),
    Field("mtime", "MTime", "timestamp", "When it was last changed", attribute("mtime")),
    Field("name", "Name", "text", "Its name", attribute("cluster_name")),
    Field("os_api_version", "OsApiVersion", "number", "Version of the interface of OS scripts",
          lambda v, c: 20),
    Field("protocol_version", "ProtocolVersion", "number", "Version of what is said to nodes",
          lambda v, c: c.schema),
    Field("software_version", "SoftwareVersion", "text", "Version of gnt",
          lambda v, c: __version__),
    Field("tags", "Tags", "other", "Its tags", attribute("tags")),
    Field("vcs_version", "VCSVersion", "text", "Version of gnt's source",
          lambda v, c: __version__),
    Field("volume_group_name", "VgName", "text", "Its LVM volume group",
          lambda v, c: c.volume_group_name or UNAVAIL),
    Field("watcher_pause", "WatcherPause", "timestamp", "Until when repairs are paused",
          lambda v, c: UNAVAIL),
)
