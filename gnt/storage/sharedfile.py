"""Disks that are raw files on a file system that every node has mounted."""

from __future__ import annotations

from gnt.model.objects import Instance, Node
from gnt.storage.base import Shared
from gnt.storage.file import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Disk


class SharedFile(File, Shared):
    name = "sharedfile"
    makes_base = False  # a missing folder means that nothing is mounted there

    def base(self, cfg: Config) -> str:
        return cfg.cluster.shared_file_storage_dir.rstrip("/")

    def place(self, cfg: Config, disk: Disk) -> tuple[str, ...]:
        """One node is enough: the instance's own, else any that is there."""
        inst = cfg.get(Instance, disk.instance)
        uuids = [*([inst.primary_node] if inst else []), *disk.nodes]
        nodes = [node for uuid in uuids if (node := cfg.get(Node, uuid)) and not node.offline]
        return tuple(node.name for node in (nodes or cfg.online())[:1])


DRIVER = SharedFile()
