"""A guest comes up on a node and goes down again: the same steps for every command."""

from __future__ import annotations

from gnt.commands.instance import _disks
from gnt.errors import Conflict
from gnt.hypervisor.base import hypervisor
from gnt.model.objects import Node
from gnt.net.base import nic_mode
from gnt.storage.base import Shared, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.hypervisor.base import Guest, Running
    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance
    from gnt.plan import Call, Step
    from gnt.spec import Seen

TIMEOUT = 120  # seconds a guest gets to shut down


def up(
    cfg: Config, inst: Instance, guest: Guest, disks: Iterable[Disk], node: Node,
) -> Iterator[Step]:
    """Disks usable, NICs connected, the guest running; each undone."""
    yield from _disks.activate(cfg, disks, node)
    yield from plug(guest)
    yield from hypervisor(inst.hypervisor).start(guest)


def down(
    cfg: Config, inst: Instance, guest: Guest, disks: Iterable[Disk], node: Node, timeout: int,
) -> Iterator[Step]:
    """The guest ended, NICs gone, disks let go; nothing is undone."""
    yield from hypervisor(inst.hypervisor).stop(guest, timeout)
    yield from clear(cfg, guest, disks, node)


def clear(cfg: Config, guest: Guest, disks: Iterable[Disk], node: Node) -> Iterator[Step]:
    """NICs gone, disks let go, once the guest has ended there."""
    yield from unplug(guest)
    yield from _disks.deactivate(cfg, disks, node)


def plug(guest: Guest) -> Iterator[Step]:
    for port in guest.ports:
        yield from nic_mode(port.mode).plug(guest.node, port)


def unplug(guest: Guest) -> Iterator[Step]:
    for port in guest.ports:
        yield from nic_mode(port.mode).unplug(guest.node, port)


def home(cfg: Config, inst: Instance) -> Node:
    return cfg.one(Node, inst.primary_node)


def nodes(cfg: Config, inst: Instance) -> tuple[Node, ...]:
    """Those with a copy of its disks: its home first."""
    second = _disks.second(cfg, inst)
    return home(cfg, inst), *([second] if second else [])


def running(inst: Instance, node: Node) -> Call[tuple[Running, ...]]:
    """Asks a node which guests it runs."""
    return hypervisor(inst.hypervisor).found(node.name)


def ask(cfg: Config, inst: Instance) -> Iterator[Call[tuple[Running, ...]]]:
    """Asks its home which guests it runs, where that is not offline."""
    node = home(cfg, inst)
    if not node.offline:
        yield running(inst, node)


def ask_all(cfg: Config, inst: Instance) -> Iterator[Call[tuple[Running, ...]]]:
    """The same, and the other nodes that could run it."""
    if not home(cfg, inst).offline:
        yield from (running(inst, node) for node in (home(cfg, inst), *others(cfg, inst)))


def runs_on(inst: Instance, node: Node, seen: Seen) -> bool:
    """Whether a node that was asked runs the instance, in any state but ended or handed over."""
    return any(
        not guest.ended and (guest.uuid == inst.uuid or (
            not guest.uuid and guest.name == inst.name))
        for guest in seen[running(inst, node)]
    )


def others(cfg: Config, inst: Instance) -> list[Node]:
    """The nodes besides its home that could run the instance: those that reach its disks."""
    driver = storage(inst.disk_template)
    second = _disks.second(cfg, inst)
    if second is not None:
        return [] if second.offline else [second]
    if driver.takes_disks and not isinstance(driver, Shared):
        return []
    own = home(cfg, inst)
    return [node for node in cfg.online()
            if node.group == own.group and node.vm_capable and node.uuid != own.uuid]


def require_nowhere_else(cfg: Config, inst: Instance, seen: Seen) -> tuple[str, ...]:
    """Raise Conflict when another node, of those that could, runs the instance.

    A node that does not answer is named in what is returned: the record says that it runs nothing
    of this instance, but nobody has looked.
    """
    silent = []
    for node in others(cfg, inst):
        if seen.failed(running(inst, node)) is not None:
            silent.append(node.name)
        elif runs_on(inst, node, seen):
            raise Conflict(f"{inst.name} runs on {node.name}, which is not its home",
                           hint=f"gnt-instance migrate --cleanup {inst.name} records that, or end "
                                f"it on {node.name}")
    return (f"{', '.join(silent)} did not answer: nobody has looked whether {inst.name} runs "
            "there",) if silent else ()


def require_made(inst: Instance) -> None:
    """Raise Conflict for an instance that is only reserved, or still being made."""
    if inst.forthcoming:
        raise Conflict(f"instance {inst.name} is reserved, not made",
                       hint=f"gnt-job list, or gnt-instance remove {inst.name}")


def require_down(inst: Instance, why: str) -> None:
    """Raise Conflict when an instance is meant to run."""
    if inst.admin_state == "up":
        raise Conflict(f"instance {inst.name} is running; {why} needs it down",
                       hint=f"gnt-instance shutdown {inst.name}")


def require_ended(inst: Instance, node: Node, seen: Seen) -> None:
    """Raise Conflict when its home, which was asked, runs an instance that is meant to be down."""
    if runs_on(inst, node, seen):
        raise Conflict(f"{inst.name} runs on {node.name}, though it should not",
                       hint=f"gnt-instance shutdown {inst.name}")


def require_online(node: Node, inst: Instance) -> None:
    """Raise Conflict when an instance's node must be reached and is marked offline."""
    if node.offline:
        raise Conflict(f"node {node.name}, where {inst.name} is, is marked offline",
                       hint=f"gnt-instance failover {inst.name}, or "
                            f"gnt-node modify --offline=no {node.name}")
