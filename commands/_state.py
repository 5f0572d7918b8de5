"""``--hypervisor-state`` and ``--disk-state``: figures that are kept and shown (reference C.3)."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.hypervisor.base import hypervisor
from gnt.spec import Command, opts
from gnt.storage.base import storage
from gnt.values import NAMED_PAIRS, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    Typed = tuple[str, Mapping[str, str]]

HYPERVISOR = ("mem_total", "mem_node", "mem_hv", "cpu_total", "cpu_node")
DISK = ("disk_total", "disk_reserved", "disk_overhead")


class StateOptions(Command):
    """What a person says a node has; nothing reads it yet but people."""

    hypervisor_state: tuple[Typed, ...] = opts(
        NAMED_PAIRS, f"figures of a hypervisor, kept and shown: {', '.join(HYPERVISOR)}",
        default=(), metavar="HYPERVISOR:KEY=N,…")
    disk_state: tuple[Typed, ...] = opts(
        NAMED_PAIRS, f"figures of a storage unit, kept and shown: {', '.join(DISK)}",
        default=(), metavar="TEMPLATE/NAME:KEY=N,…")

    def states(self, thing: Any) -> Iterator[tuple[str, Any]]:
        """(field, new value) of what was given."""
        if self.hypervisor_state:
            yield "hv_state_static", _laid_over(
                thing.hv_state_static, _hypervisors(self.hypervisor_state))
        if self.disk_state:
            yield "disk_state_static", _disks(thing.disk_state_static, self.disk_state)


def _hypervisors(given: Iterable[Typed]) -> Iterator[tuple[str, dict[str, int]]]:
    for name, typed in given:
        hypervisor(name)
        yield name, _figures(typed, HYPERVISOR, f"--hypervisor-state {name}")


def _disks(before: Mapping[str, Any], given: Iterable[Typed]) -> dict[str, Any]:
    levels = dict(before)
    for unit, typed in given:
        kind, slash, name = unit.partition("/")
        storage(kind)
        if not slash or not name:
            raise Invalid("--disk-state", f"{unit!r} is not TEMPLATE/NAME",
                          hint="for example plain/vg0:disk_total=…")
        figures = _figures(typed, DISK, f"--disk-state {unit}")
        levels[kind] = _laid_over(levels.get(kind, {}), [(name, figures)])
    return levels


def _laid_over(
    before: Mapping[str, Any], given: Iterable[tuple[str, dict[str, int]]],
) -> dict[str, Any]:
    levels = dict(before)
    for name, figures in given:
        levels[name] = {**levels.get(name, {}), **figures}
    return levels


def _figures(typed: Mapping[str, str], known: tuple[str, ...], where: str) -> dict[str, int]:
    for name in typed:
        if name not in known:
            raise Invalid(where, f"there is no figure {name!r}", hint=f"known: {', '.join(known)}")
    return {name: whole(0).read(text, f"{where}.{name}") for name, text in typed.items()}
