"""Both copies of mirrored disks take part and are the same; nothing else has a device."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.model.objects import Disk, Node
from gnt.storage.base import Mirrored, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.spec import Seen
    from gnt.storage.base import Copy

    Asked = Iterator[tuple[Mirrored, Node, Call[Mapping[int, Copy]]]]


class Mirrors(Check):
    codes = ("EINSTANCEFAULTYDISK", "ENODEDRBD", "ENODEDRBDHELPER", "ENODEDRBDVERSION")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        for driver, node, call in _asked(cfg, nodes):
            yield call
            yield driver.kernel(node)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        yield from _kernels(cfg, nodes, seen)
        busy = {path for job in cfg.jobs for path in job.exclusive}
        for driver, node, call in _asked(cfg, nodes):
            failed = seen.failed(call)
            if failed is not None:
                if failed.kind == "failed":
                    yield on_node(node, "ENODEDRBD", failed.problem)
                continue
            known = {driver.number(disk, node): disk
                     for disk in cfg.found(Disk, "disk.node", node.uuid)
                     if disk.dev_type == driver.name}
            for number in sorted(set(seen[call]) - set(known)):
                yield on_node(node, "ENODEDRBD", f"has a device with the number {number}, which "
                              "belongs to no disk", warning=True)
            for number, disk in known.items():
                inst = _owner(cfg, disk)
                if inst is not None and inst.disks_active and f"instances/{inst.uuid}" not in busy:
                    yield from _judged(inst, disk, node, seen[call].get(number))


def _kernels(cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
    """What is loaded calls the right program, and is the same all over a group."""
    versions: dict[str, str] = {}
    for driver, node, _ in _asked(cfg, nodes):
        kernel = None if seen.failed(driver.kernel(node)) else seen[driver.kernel(node)]
        if kernel is None:
            continue
        if not kernel.version:
            yield on_node(node, "ENODEDRBDVERSION", "its kernel has no DRBD, which the disk "
                          f"template {driver.name} needs")
            continue
        wanted, usual = driver.helper(cfg.cluster), versions.setdefault(node.group, kernel.version)
        if kernel.helper != wanted:
            yield on_node(node, "ENODEDRBDHELPER",
                          f"calls {kernel.helper} at events of DRBD, not {wanted}")
        if kernel.version != usual:
            yield on_node(node, "ENODEDRBDVERSION",
                          f"has DRBD {kernel.version}, others of its group {usual}", warning=True)


def _asked(cfg: Config, nodes: list[Node]) -> Asked:
    for name in cfg.cluster.enabled_disk_templates:
        driver = storage(name)
        if isinstance(driver, Mirrored):
            for node in nodes:
                if node.vm_capable:
                    yield driver, node, driver.copies(node)


def _owner(cfg: Config, disk: Disk) -> Instance | None:
    from gnt.model.objects import Instance as Kind

    inst = cfg.get(Kind, disk.instance) if disk.instance else None
    return None if inst is None or inst.forthcoming else inst


def _judged(inst: Instance, disk: Disk, node: Node, copy: Copy | None) -> Iterator[Finding]:
    if copy is not None and copy.whole:
        return
    if copy is None:
        said = f"the copy of {disk.iv_name} on {node.name} is not in use"
    elif copy.moving:
        said = f"{disk.iv_name} is brought in step, {copy.done:.0f} % on {node.name}"
    else:
        said = (f"the copy of {disk.iv_name} on {node.name} is {copy.here}, the other one "
                f"{copy.there} ({copy.link})" + _meaning(copy))
    yield Finding(code="EINSTANCEFAULTYDISK", kind="instance", name=inst.name, message=said,
                  warning=copy is not None and copy.moving)


def _meaning(copy: Copy) -> str:
    """What follows from the state that DRBD says, where a person may not know."""
    if copy.link == "StandAlone":
        return (": they refuse each other, as when both have changes that the other lacks (split "
                "brain); gnt-instance(8), MIRRORED DISKS, says what to do")
    if copy.link == "Connected" and copy.behind:
        return (f", but they differ in {copy.behind} KiB; gnt-instance replace-disks -s makes the "
                "second one anew")
    return ""


CHECK = Mirrors()
