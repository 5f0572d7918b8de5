"""The file of batch-create: a JSON list of instances, in the words of the reference's opcode."""

from __future__ import annotations

from gnt.commands.instance.add import Add
from gnt.errors import Invalid
from gnt.values import HOSTNAME, SIZE, TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

PLAIN = {  # opcode's parameter: (option, kinds of JSON values)
    "disk_template": ("disk_template", str), "hypervisor": ("hypervisor", str),
    "os_type": ("os_type", str), "group_name": ("node_group", str), "start": ("start", bool),
    "ignore_ipolicy": ("ignore_ipolicy", bool), "forthcoming": ("forthcoming", bool),
    "conflicts_check": ("conflicts_check", bool), "wait_for_sync": ("wait_for_sync", bool),
    "opportunistic_locking": ("opportunistic_locking", bool), "ip_check": ("ip_check", bool),
    "name_check": ("name_check", bool),
}
MAPS = {"beparams": "backend_parameters", "osparams": "os_parameters",
        "osparams_private": "os_parameters_private", "osparams_secret": "os_parameters_secret"}
NAMES = ("instance_name", "name")
OTHER = ("mode", "pnode", "snode", "disks", "nics", "hvparams", "no_install", "tags", "os",
         "iallocator")
ALIASES = {"os": "os_type"}


def read(path: str) -> list[Add]:
    """Every instance of the file as a request of its own; the place of a mistake is named."""
    from gnt.htools.parts import read_json
    from gnt.htools.world import BadData

    try:
        data = read_json(path)
    except BadData as error:
        raise BadData(error.message, hint="gnt-instance batch-create --help") from None
    if not isinstance(data, list):
        raise Invalid(path, "not a list of instances", hint='[{"instance_name": "web", …}, …]')
    made = [_one(entry, f"{path}: [{number}]") for number, entry in enumerate(data)]
    seen: set[str] = set()
    for add in made:
        if add.name in seen:
            raise Invalid(path, f"the instance {add.name} comes twice")
        seen.add(add.name)
    if not made:
        raise Invalid(path, "the list is empty")
    return made


def _one(entry: Any, where: str) -> Add:
    if not isinstance(entry, dict):
        raise Invalid(where, "not an object")
    name = next((entry[key] for key in NAMES if key in entry), None)
    name = HOSTNAME.read(_text(name, f"{where}.instance_name"), f"{where}.instance_name")
    words: dict[str, Any] = {"name": name}
    for key, value in entry.items():
        key = ALIASES.get(key, key)
        if key in PLAIN:
            option, kind = PLAIN[key]
            if not isinstance(value, kind):
                raise Invalid(f"{where}.{key}", f"{value!r:.60} is no {kind.__name__}")
            words[option] = value
        elif key in MAPS:
            words[MAPS[key]] = _map(value, f"{where}.{key}")
        elif key not in NAMES and key not in OTHER:
            raise Invalid(f"{where}.{key}", "there is no such parameter", hint=_known())
    if entry.get("mode", "create") != "create":
        raise Invalid(f"{where}.mode", f"{entry['mode']!r} is not part of this version")
    hypervisor, params = words.pop("hypervisor", ""), _map(
        entry.get("hvparams", {}), f"{where}.hvparams")
    if hypervisor or params:
        words["hypervisor_parameters"] = (hypervisor, params)
    return Add(**words, **_lists(entry, where))


def _lists(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What is not one text, number or mapping."""
    read: dict[str, Callable[[Any, str], Any]] = {
        "disks": _disks, "nics": _nics, "tags": _tags}
    found = {"disks": "disk", "nics": "net", "tags": "tags"}
    made: dict[str, Any] = {
        found[key]: read[key](entry[key], f"{where}.{key}") for key in read if key in entry}
    if "nics" in entry and not made["net"]:
        made["no_nics"] = True
    nodes = [_text(entry[key], f"{where}.{key}") for key in ("pnode", "snode") if entry.get(key)]
    if entry.get("iallocator"):
        made["iallocator"] = _text(entry["iallocator"], f"{where}.iallocator")
    if entry.get("no_install"):
        made["install"] = False
    return {**made, "node": ":".join(nodes)}


def _disks(value: Any, where: str) -> tuple[tuple[str, Mapping[str, str]], ...]:
    disks = []
    for number, disk in enumerate(_items(value, where)):
        if isinstance(disk, dict):
            disks.append((str(number), _map(disk, f"{where}[{number}]")))
        else:
            disks.append((str(number), {"size": str(SIZE.read(str(disk), f"{where}[{number}]"))}))
    return tuple(disks)


def _nics(value: Any, where: str) -> tuple[tuple[str, Mapping[str, str]], ...]:
    return tuple((str(number), _map(nic, f"{where}[{number}]"))
                 for number, nic in enumerate(_items(value, where)))


def _tags(value: Any, where: str) -> tuple[str, ...]:
    return tuple(TAG.read(_text(tag, where), where) for tag in _items(value, where))


def _items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid(where, f"{value!r:.60} is not a list")
    return value


def _map(value: Any, where: str) -> dict[str, str]:
    """Values as they would be typed."""
    if not isinstance(value, dict):
        raise Invalid(where, f"{value!r:.60} is not an object")
    found = {}
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            raise Invalid(f"{where}.{key}", f"{item!r:.60} is not a text, number or yes or no")
        if item is not None:
            found[key] = ("yes" if item else "no") if isinstance(item, bool) else str(item)
    return found


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid(where, "a text is needed")
    return value


def _known() -> str:
    return f"known: {', '.join(sorted({'instance_name', *PLAIN, *MAPS, *OTHER}))}"
