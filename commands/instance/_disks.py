"""``--disk``: what was asked for, and the steps that follow."""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.storage.base import DiskSpec, Mirrored, storage
from gnt.values import SIZE, choice, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Nic, Node
    from gnt.plan import Step

AT_MOST = 16
SMALLEST = 1  # MiB
OWN = ("size", "mode", "name", "spindles", "adopt")
_MODE = choice("rw", "ro")


def read_specs(
    typed: Iterable[tuple[str, Mapping[str, str]]], single: int | None, template: str,
) -> tuple[DiskSpec, ...]:
    """The disks of a new instance, from ``--disk N:size=…`` in any order, or from ``-s SIZE``."""
    given = list(typed)
    if single is not None:
        if given:
            raise Invalid("-s", "cannot be combined with --disk", hint="use --disk 0:size=SIZE")
        given = [("0", {"size": str(single)})]
    if not storage(template).takes_disks:
        if given:
            raise Invalid("--disk", f"disk template {template} has no disks")
        return ()
    if not given:
        raise Invalid("--disk", "no disk is given", hint="--disk 0:size=10g, or -t diskless")
    return tuple(read_spec(pairs, f"--disk {index}")
                 for index, pairs in enumerate(in_order(given, "--disk", "disk", AT_MOST)))


def in_order(
    typed: Iterable[tuple[str, Mapping[str, str]]], option: str, kind: str, at_most: int,
) -> list[Mapping[str, str]]:
    """Disks or NICs by their numbers, which count from 0 without a gap."""
    by_index: dict[int, Mapping[str, str]] = {}
    for word, pairs in typed:
        index = whole(0, at_most - 1).read(word, option)
        if index in by_index:
            raise Invalid(option, f"{kind} {index} is given twice")
        by_index[index] = pairs
    if sorted(by_index) != list(range(len(by_index))):
        shown = ", ".join(str(index) for index in sorted(by_index))
        raise Invalid(option, f"the numbers {shown} do not count from 0")
    return [by_index[index] for index in sorted(by_index)]


def read_spec(typed: Mapping[str, str], where: str) -> DiskSpec:
    """One disk; names that are not ours are options of the disk template's provider."""
    if typed.get("adopt") == "":
        raise Invalid(f"{where}.adopt", "no volume is named", hint=f"{where}:adopt=VOLUME")
    if "size" not in typed and "adopt" not in typed:
        raise Invalid(where, "no size is given", hint=f"{where}:size=10g")
    size = SIZE.read(typed.get("size", "0"), f"{where}.size")
    if size < SMALLEST and "adopt" not in typed:
        raise Invalid(f"{where}.size", f"{typed['size']!r} is not a size above 0")
    return DiskSpec(
        size=size, mode=_MODE.read(typed.get("mode", "rw"), f"{where}.mode"),
        name=read_name(typed.get("name"), where),
        spindles=whole(1).read(typed["spindles"], f"{where}.spindles") if "spindles" in typed
        else None,
        adopt=typed.get("adopt"), options={k: v for k, v in typed.items() if k not in OWN},
    )


def read_name(text: str | None, where: str) -> str | None:
    """A disk's or NIC's name: not a number, which would be an index; ``none`` is none."""
    if text is None or text.lower() == "none":
        return None
    if text.isdigit() or not text:
        raise Invalid(f"{where}.name", f"{text!r} is not a name (it must not be a number)")
    return text


def pick(devices: Sequence[Disk | Nic], word: str, owner: str, kind: str = "disk") -> int:
    """The index of a disk, or of a NIC, by index, name or uuid; -1 is the last."""
    for index, device in enumerate(devices):
        if word in (str(index), device.name, device.uuid):
            return index
    if word == "-1" and devices:
        return len(devices) - 1
    raise Conflict(f"{owner} has no {kind} {word} (it has {len(devices)})",
                   hint="by number from 0, name or uuid")


def top(made: Iterable[tuple[Disk, ...]]) -> list[Disk]:
    """The disks themselves, without their children."""
    return [shape[0] for shape in made]


def create(cfg: Config, disks: Iterable[Disk]) -> Iterator[Step]:
    for disk in disks:
        yield from storage(disk.dev_type).create(cfg, disk)


def remake(cfg: Config, disks: Iterable[Disk]) -> Iterator[Step]:
    for disk in disks:
        yield from storage(disk.dev_type).remake(cfg, disk)


def remove(cfg: Config, disks: Iterable[Disk]) -> Iterator[Step]:
    for disk in disks:
        yield from storage(disk.dev_type).remove(cfg, disk)


def activate(
    cfg: Config, disks: Iterable[Disk], node: Node, *, anyway: bool = False,
) -> Iterator[Step]:
    """Usable on a node; ``anyway``: also a copy that is known not to be the newest."""
    for disk in disks:
        yield from storage(disk.dev_type).activate(cfg, disk, node, anyway=anyway)


def deactivate(cfg: Config, disks: Iterable[Disk], node: Node) -> Iterator[Step]:
    for disk in disks:
        yield from storage(disk.dev_type).deactivate(cfg, disk, node)


def wait(cfg: Config, disks: Iterable[Disk], node: Node, *, need: bool = False) -> Iterator[Step]:
    """Until the copies of mirrored disks are the same; ``need``: it fails where they stay apart."""
    for disk in disks:
        yield from storage(disk.dev_type).wait(cfg, disk, node, need=need)


def release(cfg: Config, disks: Iterable[Disk], node: Node, *, again: bool) -> Iterator[Step]:
    """A node writes to mirrored disks no more, so that the other one can; ``again``: undone."""
    for disk in disks:
        yield from storage(disk.dev_type).demote(cfg, disk, node, again=again)


def share(cfg: Config, disks: Iterable[Disk], source: Node, target: Node) -> Iterator[Step]:
    """Usable on the target, too, for a live migration."""
    for disk in disks:
        yield from storage(disk.dev_type).share(cfg, disk, source, target)


def unshare(cfg: Config, disks: Iterable[Disk], source: Node, target: Node) -> Iterator[Step]:
    """Let go of on the source, after a live migration."""
    for disk in disks:
        yield from storage(disk.dev_type).unshare(cfg, disk, source, target)


def mirrored(inst: Instance) -> bool:
    """Whether its disks have a second copy on another node."""
    return isinstance(storage(inst.disk_template), Mirrored)


def second(cfg: Config, inst: Instance) -> Node | None:
    """The node with the second copy of mirrored disks."""
    from gnt.model.objects import Node as Kind

    uuids = [uuid for disk in cfg.disks(inst) for uuid in disk.nodes if uuid != inst.primary_node]
    return cfg.one(Kind, uuids[0]) if uuids and mirrored(inst) else None


def room(disks: Iterable[Disk]) -> int:
    """MiB that the disks take on each of their nodes."""
    return sum(storage(disk.dev_type).usage(disk) for disk in disks)


def owned(cfg: Config, inst: Instance) -> list[Disk]:
    """The disks with their children, for removal from the configuration."""
    from gnt.model.objects import Disk as Kind

    found, queue = [], list(inst.disks)
    while queue:
        disk = cfg.one(Kind, queue.pop(0))
        found.append(disk)
        queue.extend(disk.children)
    return found
