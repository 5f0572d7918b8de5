"""A node that was marked offline comes back: it learns what it missed, and runs nothing twice."""

from __future__ import annotations

from gnt.commands import _access, _gate
from gnt.commands.cluster import _master_ip
from gnt.commands.node import _let_in, _setup
from gnt.errors import Conflict
from gnt.hypervisor.base import hypervisor
from gnt.model.objects import Instance
from gnt.plan import Plan, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.hypervisor.base import Running
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


def returns(node: Node, new: Node) -> bool:
    return node.offline and not new.offline


def facts(cfg: Config, node: Node) -> Iterator[Call[Any]]:
    yield _setup.inspect.on(node.name)
    yield from guests(cfg, node)


def guests(cfg: Config, node: Node) -> Iterator[Call[tuple[Running, ...]]]:
    return (hypervisor(name).found(node.name) for name in cfg.cluster.enabled_hypervisors)


def plan(cfg: Config, node: Node, new: Node, seen: Seen) -> Plan:
    """Folders, the term, the keys, not the master's address; refused while it does not answer or
    runs strangers."""
    failed = seen.failed(_setup.inspect.on(node.name))
    if failed is not None:
        raise Conflict(f"{node.name} does not answer ({failed.problem}): it stays offline",
                       hint=f"gnt-node add --readd {node.name}, if it was installed anew")
    require_nothing_twice(cfg, node, seen)
    lines = _access.lines(cfg, _let_in.with_changed(cfg, new))
    return Plan(attempt=(
        Step(do=_setup.prepare.on(node.name, name=node.name, term=cfg.term),
             title=f"folders and the term on {node.name}"),
        *_gate.installs(cfg, [node.name]), *_let_in.lines([node.name], lines),
        *_not_master(cfg, node)))


def _not_master(cfg: Config, node: Node) -> Iterator[Step]:
    """It may have been the master when it was lost, and still have the master's address."""
    if _master_ip.configured(cfg.cluster):
        yield Step(do=_master_ip.dropped(cfg.cluster, node.name),
                   title=f"drop {cfg.cluster.master_ip} on {node.name}")


def require_nothing_twice(cfg: Config, node: Node, seen: Seen) -> None:
    """Raise Conflict when guests still run there whose home is another node by now."""
    for call in guests(cfg, node):
        for guest in seen[call] if node.vm_capable else ():
            inst = cfg.get(Instance, guest.uuid)
            if inst is None or guest.ended or inst.primary_node == node.uuid:
                continue
            raise Conflict(
                f"{inst.name} still runs on {node.name}, but its home is "
                f"{cfg.node(inst.primary_node).name}: it may run twice",
                hint=f"end it on {node.name} (restart that host, or kill its process) first")
