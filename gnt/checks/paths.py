"""The folders for disks are in places where they may be, and can be written to."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_cluster, on_node
from gnt.plan import Script, node_task, script
from gnt.storage.base import Shared, storage
from gnt.storage.file import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

#: A disk below one of these would be a way to change the host itself.
FORBIDDEN = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run",
             "/sbin", "/sys", "/usr", "/var/lib/gnt", "/home")

_USABLE = """\
folder=$1 makes=$2
if [ ! -e "$folder" ]; then
    [ "$makes" = yes ] || echo "is not there"
    exit 0
fi
if [ ! -d "$folder" ]; then echo "is no folder"
elif [ ! -w "$folder" ] || [ ! -x "$folder" ]; then echo "cannot be written to"
fi
exit 0
"""


@node_task(deadline=20)
def usable(folder: str, makes: bool) -> Script[str]:
    """What is wrong with a folder for disks; ``makes``: it is made when it is needed."""
    return script(_USABLE, folder, makes, parse=lambda output: output.strip())


class Paths(Check):
    codes = ("ENODEFILESTORAGEPATHS", "ENODEFILESTORAGEPATHUNUSABLE",
             "ENODESHAREDFILESTORAGEPATHUNUSABLE")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (call for _, _, call in _questions(cfg, nodes))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for driver in _drivers(cfg):
            base = driver.base(cfg)
            if base in ("", "/") or any(f"{base}/".startswith(f"{bad}/") for bad in FORBIDDEN):
                yield on_cluster(cfg, "ENODEFILESTORAGEPATHS",
                                 f"{base or '/'} is no place for disks ({driver.name})")
        for node, driver, call in _questions(cfg, nodes):
            if seen.failed(call) is None and seen[call]:
                code = ("ENODESHAREDFILESTORAGEPATHUNUSABLE" if isinstance(driver, Shared)
                        else "ENODEFILESTORAGEPATHUNUSABLE")
                yield on_node(node, code, f"{driver.base(cfg)} {seen[call]}")


def _drivers(cfg: Config) -> list[File]:
    found = (storage(name) for name in cfg.cluster.enabled_disk_templates)
    return [driver for driver in found if isinstance(driver, File)]


def _questions(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Node, File, Call[str]]]:
    for driver in _drivers(cfg):
        for node in nodes:
            if node.vm_capable:
                yield node, driver, usable.on(node.name, driver.base(cfg), driver.makes_base)


CHECK = Paths()
