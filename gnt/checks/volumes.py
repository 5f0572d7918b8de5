"""The volume group is there, whole, on every node that may have disks in it."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.model import inherit
from gnt.storage.base import storage
from gnt.storage.plain import OnVolumes, lvm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

ALIKE = 0.05  # share by which physical volumes may differ where each disk has some of its own


class Volumes(Check):
    codes = ("ENODELVM", "EGROUPDIFFERENTPVSIZE")

    def facts(
        self, cfg: Config, nodes: list[Node],
    ) -> Iterator[Call[tuple[lvm.Physical, ...]]]:
        return (call for _, call in _asked(cfg, nodes))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        sizes: dict[str, list[int]] = {}
        for node, call in _asked(cfg, nodes):
            failed = seen.failed(call)
            if failed is not None:
                if failed.kind == "failed":
                    said = " ".join(failed.stderr.split()) or failed.problem
                    yield on_node(node, "ENODELVM", said)
                continue
            for volume in seen[call]:
                if volume.missing:
                    yield on_node(node, "ENODELVM", f"{volume.name} of the volume group is missing")
                if inherit.node(cfg, node).exclusive_storage:
                    sizes.setdefault(node.group, []).append(volume.size)
        for group in cfg.groups:
            found = sizes.get(group.uuid, [0])
            if max(found) - min(found) > ALIKE * max(found):
                yield Finding(code="EGROUPDIFFERENTPVSIZE", kind="group", name=group.name,
                              message=f"its physical volumes have from {min(found)} to "
                                      f"{max(found)} MiB", warning=True)


def _asked(
    cfg: Config, nodes: list[Node],
) -> Iterator[tuple[Node, Call[tuple[lvm.Physical, ...]]]]:
    """Each node that may have volumes, with the question for its group."""
    vg = cfg.cluster.volume_group_name
    used = any(isinstance(storage(name), OnVolumes) for name in cfg.cluster.enabled_disk_templates)
    if vg and used:
        yield from ((node, lvm.physical.on(node.name, vg)) for node in nodes if node.vm_capable)


CHECK = Volumes()
