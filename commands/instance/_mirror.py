"""What nodes say of the copies of mirrored disks, and what follows for moving and making them."""

from __future__ import annotations

from gnt.commands.instance import _disks
from gnt.errors import Conflict
from gnt.storage.base import Mirrored, storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call
    from gnt.spec import Seen
    from gnt.storage.base import Copy, History


def driver(inst: Instance) -> Mirrored:
    """The driver of an instance's mirrored disks; Conflict when they are not."""
    found = storage(inst.disk_template)
    if not isinstance(found, Mirrored):
        raise Conflict(f"the disks of {inst.name} ({inst.disk_template}) have no second copy",
                       hint="gnt-instance recreate-disks makes lost disks anew, empty")
    return found


def ask(inst: Instance, nodes: Iterable[Node]) -> Iterator[Call[Mapping[int, Copy]]]:
    """Asks the nodes that are not offline for their copies, where there are any."""
    if _disks.mirrored(inst):
        yield from (driver(inst).copies(node) for node in nodes if not node.offline)


def copies(
    cfg: Config, inst: Instance, node: Node, seen: Seen,
) -> Iterator[tuple[Disk, Copy | None]]:
    """The disks with their copies on a node that was asked."""
    for disk in cfg.disks(inst):
        yield disk, copy(inst, disk, node, seen)


def copy(inst: Instance, disk: Disk, node: Node, seen: Seen) -> Copy | None:
    """The copy of a disk on a node that was asked; None: not in use there."""
    made = driver(inst)
    return seen[made.copies(node)].get(made.number(disk, node))


def ask_histories(
    cfg: Config, inst: Instance, nodes: Iterable[Node],
) -> Iterator[Call[History | None]]:
    """Asks what the copies of disks that are not in use have seen."""
    if _disks.mirrored(inst) and not inst.disks_active:
        yield from (driver(inst).history(cfg, disk, node)
                    for node in nodes if not node.offline for disk in cfg.disks(inst))


def require_newest(
    cfg: Config, inst: Instance, node: Node, other: Node, seen: Seen, disks: Iterable[Disk],
) -> tuple[str, ...]:
    """Raise Conflict when copies on the node, of disks that are not in use, lack what those on the
    other one have; else what a person should know.  One that cannot be asked proves nothing."""
    notes = []
    for disk in disks:
        ours, theirs = (driver(inst).history(cfg, disk, where) for where in (node, other))
        mine = seen[ours]
        known = None if other.offline or seen.failed(theirs) else seen[theirs]
        if mine is None or not mine.whole:
            raise Conflict(
                f"the copy of {disk.iv_name} on {node.name} is {'broken' if mine else 'not there'}"
                f": {inst.name} cannot go on with it, and nothing can be made from it",
                hint=f"gnt-instance activate-disks --wait-for-sync {inst.name}")
        if known is not None and mine.lacks(known):
            raise Conflict(
                f"the copy of {disk.iv_name} on {node.name} lacks what was written on {other.name}",
                hint=f"gnt-instance activate-disks --wait-for-sync {inst.name} brings it in step")
        if known is not None and mine.contradicts(known):
            notes.append(f"{disk.iv_name}: {node.name} and {other.name} each have changes that the "
                         f"other lacks (split brain); from now on those on {node.name} count")
    return tuple(notes)


def require_usable(
    cfg: Config, inst: Instance, node: Node, source: Node, seen: Seen, *, dead: bool,
) -> tuple[str, ...]:
    """Raise Conflict when a copy on the node, to which it fails over, is known to be bad, or cannot
    take part while its home (``source``) lives; else what a person should know."""
    if not _disks.mirrored(inst):
        return ()
    if not inst.disks_active:
        home = source.replace(offline=source.offline or dead)
        return require_newest(cfg, inst, node, home, seen, cfg.disks(inst))
    alone = []
    for disk, copy in copies(cfg, inst, node, seen):
        if copy is not None and copy.here != "UpToDate":
            raise Conflict(
                f"the copy of {disk.iv_name} on {node.name} is {copy.here}: {inst.name} would "
                "go on with data that is not the newest, or not whole",
                hint="wait until it is in step (gnt-instance info shows how far it is), or "
                     "--ignore-consistency if there is nothing better")
        if copy is not None and copy.link == "StandAlone":
            raise Conflict(
                f"the copy of {disk.iv_name} on {node.name} refuses the other one: each may have "
                "changes that the other lacks (split brain)",
                hint="gnt-instance(8), MIRRORED DISKS, says how one is chosen; "
                     f"--ignore-consistency goes on with the one on {node.name}")
        if not dead and (copy is None or not connected(copy)):
            raise Conflict(
                f"the copy of {disk.iv_name} on {node.name} is {state(copy)}: it may lack what was "
                "written since",
                hint=f"gnt-instance activate-disks --wait-for-sync {inst.name}, once the nodes "
                     "reach each other")
        if dead and (copy is None or not connected(copy)):
            alone.append(disk.iv_name)
    return (f"{node.name} has lost the other copy of {', '.join(alone)}: what was written there "
            "after that is not here, and nobody can tell how much",) if alone else ()


def connected(copy: Copy) -> bool:
    return copy.moving or copy.link == "Connected"


def require_whole(
    cfg: Config, inst: Instance, node: Node, seen: Seen, only: Disk | None = None,
) -> None:
    """Raise Conflict when the copies are not the same, which moving a running guest needs;
    ``only``: of one disk."""
    if not _disks.mirrored(inst):
        return
    for disk, copy in copies(cfg, inst, node, seen):
        if (only is None or disk.uuid == only.uuid) and (copy is None or not copy.whole):
            raise Conflict(f"the copy of {disk.iv_name} on {node.name} is {state(copy)}, not in "
                           "step", hint=f"gnt-instance activate-disks --wait-for-sync {inst.name}")


def state(copy: Copy | None) -> str:
    """In words, for people."""
    if copy is None:
        return "not in use"
    if copy.moving:
        return f"{copy.here}, {copy.done:.0f} % in step"
    apart = f", {copy.behind} KiB differ" if copy.link == "Connected" and copy.behind else ""
    return f"{copy.here} ({copy.link}{apart})"


def require_second(node: Node, inst: Instance) -> None:
    """Raise Conflict when the node with the second copy must be reached and is marked offline."""
    if node.offline:
        raise Conflict(f"node {node.name}, with the second copy of {inst.name}'s disks, is marked "
                       "offline",
                       hint=f"gnt-instance replace-disks -n NODE {inst.name} makes one elsewhere, "
                            f"or gnt-node modify --offline=no {node.name}")
