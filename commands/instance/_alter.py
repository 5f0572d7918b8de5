"""``--net`` and ``--disk`` of ``instance modify``: what is added, removed and changed."""

from __future__ import annotations

from gnt.commands.instance import _disks, _life, _nics
from gnt.errors import Conflict, Invalid
from gnt.model.names import new_uuid
from gnt.model.objects import Disk, Group
from gnt.record import Record
from gnt.storage.base import storage
from gnt.values import choice, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gnt.model.config import Config
    from gnt.model.objects import Instance

    Typed = tuple[str, Mapping[str, str]]

ACTIONS = ("add", "remove", "modify")


class Devices(Record):
    """An instance as it will be, and what becomes of its disks."""

    instance: Instance
    added: tuple[Disk, ...] = ()  # with their children
    tops: tuple[Disk, ...] = ()  # of those, the disks themselves
    removed: tuple[Disk, ...] = ()
    modified: tuple[Disk, ...] = ()
    sizes: tuple[int, ...] = ()  # of all disks afterwards
    changed: bool = False


def devices(
    cfg: Config, inst: Instance, nets: Iterable[Typed], disks: Iterable[Typed], *, check: bool,
) -> Devices:
    """The instance with all changes made, in the order they were typed."""
    with_nics = _nics_after(cfg, inst, nets, check=check)
    after = _disks_after(cfg, with_nics, disks)
    return after.replace(changed=after.changed or with_nics.nics != inst.nics)


def split(typed: Mapping[str, str], where: str) -> tuple[str, dict[str, str]]:
    """(action, the other words); without an action it is ``modify``."""
    given = [action for action in ACTIONS if typed.get(action) == "yes"]
    if len(given) > 1:
        raise Invalid(where, f"{' and '.join(given)} contradict each other")
    words = {key: value for key, value in typed.items() if key not in given}
    if given == ["remove"] and words:
        raise Invalid(where, f"remove takes nothing else, not {', '.join(words)}")
    return (given[0] if given else "modify"), words


def place(word: str, count: int, limit: int, where: str) -> int:
    """Where to insert: a number, or -1 for the end."""
    if count >= limit:
        raise Invalid(where, f"more than {limit} are not possible")
    if word == "-1":
        return count
    try:
        return whole(0, count).read(word)
    except Invalid:
        raise Invalid(where, f"{word!r} is not a place from 0 to {count}, or -1 for the end"
                      ) from None


def _nics_after(
    cfg: Config, inst: Instance, nets: Iterable[Typed], *, check: bool,
) -> Instance:
    group = cfg.one(Group, _life.home(cfg, inst).group)
    nics = list(inst.nics)
    for word, typed in nets:
        where = f"--net {word}"
        action, words = split(typed, where)
        maker = _nics.Maker(cfg, inst.name, group, check=check, present=nics)
        if action == "add":
            at = place(word, len(nics), _nics.AT_MOST, where)
            nics.insert(at, maker.make(words, at))
            continue
        at = _disks.pick(nics, word, inst.name, "NIC")
        if action == "remove":
            del nics[at]
        else:
            nics[at] = maker.altered(nics[at], words, at)
    return inst.replace(nics=tuple(nics))


def _disks_after(cfg: Config, inst: Instance, typed_disks: Iterable[Typed]) -> Devices:
    before = cfg.disks(inst)
    disks = list(before)
    added: list[Disk] = []
    tops: list[Disk] = []
    for word, typed in typed_disks:
        where = f"--disk {word}"
        action, words = split(typed, where)
        if action == "add":
            at = place(word, len(disks), _disks.AT_MOST, where)
            shape = _new_disk(cfg, inst, at, len(added), words, where)
            cfg = cfg.plus(*shape)
            disks.insert(at, shape[0])
            added.extend(shape)
            tops.append(shape[0])
            continue
        at = _disks.pick(disks, word, inst.name)
        if action == "remove":
            if disks[at] in tops:
                raise Conflict(f"{where}: this disk is added by the same command")
            del disks[at]
        else:
            disks[at] = _altered(disks[at], words, where)
    return _sorted_out(inst, before, disks, added, tops)


def _new_disk(
    cfg: Config, inst: Instance, at: int, number: int, words: Mapping[str, str], where: str,
) -> tuple[Disk, ...]:
    driver = storage(inst.disk_template)
    if not driver.takes_disks:
        raise Conflict(f"{inst.name} is {inst.disk_template}: it has no disks")
    spec = _disks.read_spec(words, where)
    uuid = new_uuid(cfg, "disk", inst.name, "more", at, number)
    return driver.shape(cfg, inst, _life.nodes(cfg, inst), at, spec, uuid)


def _altered(disk: Disk, words: Mapping[str, str], where: str) -> Disk:
    changes: dict[str, object] = {}
    for key, value in words.items():
        if key == "mode":
            changes["mode"] = choice("rw", "ro").read(value, f"{where}.mode")
        elif key == "name":
            changes["name"] = _disks.read_name(value, where)
        else:
            raise Invalid(f"{where}.{key}", "cannot be changed (mode and name can)",
                          hint="gnt-instance grow-disk changes the size")
    return disk.replace(**changes)


def _sorted_out(
    inst: Instance, before: list[Disk], disks: list[Disk], added: list[Disk], tops: list[Disk],
) -> Devices:
    """Which disks are new, gone or changed; each gets the name of its place."""
    old = {disk.uuid: disk for disk in before}
    placed = [disk.replace(iv_name=f"disk/{at}") for at, disk in enumerate(disks)]
    kept = {disk.uuid: disk for disk in placed}
    return Devices(
        instance=inst.replace(disks=tuple(disk.uuid for disk in placed)),
        added=tuple(kept.get(disk.uuid, disk) for disk in added),
        tops=tuple(kept[disk.uuid] for disk in tops),
        removed=tuple(disk for uuid, disk in old.items() if uuid not in kept),
        modified=tuple(disk.replace(serial_no=disk.serial_no + 1) for disk in placed
                       if disk.uuid in old and old[disk.uuid] != disk),
        sizes=tuple(disk.size for disk in placed),
        changed=placed != before,
    )
