"""Disks are there, with the recorded size; nothing else is in their place."""

from __future__ import annotations

from gnt.checks.base import Check, Finding
from gnt.model.objects import Disk, Node
from gnt.storage.base import Mirrored, Shared, storage
from gnt.values import show_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.spec import Seen


class Disks(Check):
    codes = ("EINSTANCEMISSINGDISK", "EINSTANCEFAULTYDISK", "ENODEORPHANLV")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        stocks = _stocks(cfg, nodes)
        yield from stocks.values()
        for _, disk, node in _asked(cfg, nodes):
            if _stock(cfg, disk, node, stocks) is None:
                yield storage(disk.dev_type).size(cfg, disk, node)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        stocks = _stocks(cfg, nodes)
        for inst, disk, node in _asked(cfg, nodes):
            driver, stock = storage(disk.dev_type), _stock(cfg, disk, node, stocks)
            call = stock or driver.size(cfg, disk, node)
            if seen.failed(call) is None:
                size = seen[driver.size(cfg, disk, node)] if stock is None else (
                    seen[stock].get(driver.listed(cfg, disk)))
                yield from _measured(inst, disk, node, size)
        # Also by its path: where its template's folder was once may be another template's now.
        recorded = {str(word) for disk in cfg.all(Disk) for word in disk.logical_id}
        recorded |= {storage(disk.dev_type).listed(cfg, disk) for disk in cfg.all(Disk)}
        for node, name, stock in _inventories(cfg, nodes):
            if seen.failed(stock) is None:
                for path in sorted(set(seen[stock]) - recorded):
                    yield Finding(code="ENODEORPHANLV", kind="node", name=node.name,
                                  message=f"has {path} ({name}), which belongs to no instance",
                                  warning=True)


def _asked(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Instance, Disk, Node]]:
    """Every disk that is finished, with a node that has it and can be asked."""
    busy = {path for job in cfg.jobs for path in job.exclusive}
    by_uuid = {node.uuid: node for node in nodes}
    for inst in cfg.instances:
        home = by_uuid.get(inst.primary_node)
        if home is None or inst.forthcoming or f"instances/{inst.uuid}" in busy:
            continue
        for disk in (cfg.get(Disk, uuid) for uuid in inst.disks):
            if disk is None:
                continue
            yield inst, disk, home
            if isinstance(storage(disk.dev_type), Mirrored):
                yield from ((inst, disk, by_uuid[uuid]) for uuid in disk.nodes
                            if uuid in by_uuid and uuid != home.uuid)


def _stocks(cfg: Config, nodes: list[Node]) -> dict[tuple[str, str], Call[Mapping[str, int]]]:
    """The inventories by template and node; of a shared place there is one for all nodes."""
    return {(name, "" if isinstance(storage(name), Shared) else node.name): call
            for node, name, call in _inventories(cfg, nodes)}


def _stock(
    cfg: Config, disk: Disk, node: Node, stocks: Mapping[tuple[str, str], Call[Mapping[str, int]]],
) -> Call[Mapping[str, int]] | None:
    """The inventory that this disk is in: one question for all disks of a node."""
    driver = storage(disk.dev_type)
    where = "" if isinstance(driver, Shared) else node.name
    return stocks.get((disk.dev_type, where)) if driver.listed(cfg, disk) else None


def _measured(inst: Instance, disk: Disk, node: Node, size: int | None) -> Iterator[Finding]:
    if size is None:
        yield Finding(code="EINSTANCEMISSINGDISK", kind="instance", name=inst.name,
                      message=f"{disk.iv_name} is not on {node.name}")
    elif size < disk.size:
        yield Finding(code="EINSTANCEFAULTYDISK", kind="instance", name=inst.name,
                      message=f"{disk.iv_name} has {show_size(size)} on {node.name}, not "
                              f"{show_size(disk.size)}")


def _inventories(
    cfg: Config, nodes: list[Node],
) -> Iterator[tuple[Node, str, Call[Mapping[str, int]]]]:
    """What nodes have; of a shared place one node is enough."""
    enabled = cfg.cluster.enabled_disk_templates
    for name in dict.fromkeys((*enabled, *(n for e in enabled for n in storage(e).below))):
        driver = storage(name)
        for node in [node for node in nodes if node.vm_capable]:
            call = driver.found(cfg, node)
            if call is not None:
                yield node, name, call
                if isinstance(driver, Shared):
                    break


CHECK = Disks()
