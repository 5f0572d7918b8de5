"""Logical volumes: node tasks, and what the LVM tools print.

A volume that is being made carries the tag ``gnt-raw`` until everything that belongs to making it
is done.  One that is found with the tag holds nothing yet: it is made anew.
"""

from __future__ import annotations

from gnt.plan import Script, node_task, script
from gnt.record import Record
from gnt.storage.base import Space
from gnt.values import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOK = r"""
# shellcheck disable=SC2034,SC2154,SC2317 # a beginning that many scripts share
LC_ALL=C; export LC_ALL
fail() { echo "$1" >&2; exit 1; }
command -v lvs >/dev/null || fail "LVM is not installed (no lvs): apt-get install lvm2"
volume() { # fields name: of a volume of $vg; nothing when it is not there
    [ -n "$(vgs --noheadings -o vg_name -S "vg_name=\"$vg\"")" ] || return 0
    lvs --noheadings --nosuffix --units m -o "$1" -S "lv_name=\"$2\"" "$vg" | tr -d ' '
}
need_group() {
    [ -n "$(vgs --noheadings -o vg_name -S "vg_name=\"$vg\"")" ] && return
    fail "there is no volume group $vg on this node"
}
"""

GONE = r"""
# shellcheck disable=SC2154 # the group is asked for by then
gone() { # name: removed, as soon as nobody has it open any more
    left=20
    until said=$(lvremove -qq -f "$vg/$1" 2>&1); do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "$said"
        sleep 0.5
    done
}
"""

_CREATE = LOOK + GONE + r"""
vg=$1 name=$2 size=$3 stripes=$4 metadata=$5
need_group
found=$(volume lv_size "$name") || exit 1
if [ -n "$found" ]; then
    case ,$(volume lv_tags "$name"), in
    *,gnt-raw,*) gone "$name" ;;
    *)
        [ "${found%.*}" -ge "$size" ] && exit 0
        fail "$vg/$name is there with ${found%.*} MiB, not $size"
        ;;
    esac
fi
groups=$(vgs --noheadings -o pv_count "$vg" | tr -d ' ')
[ "$stripes" -le "$groups" ] || stripes=$groups
lvcreate -qq -y -Wy -Zy -i "$stripes" -L "${size}m" -n "$name" --addtag gnt-raw "$vg" \
    >/dev/null || exit 1
if [ "$metadata" = yes ]; then
    said=$(drbdmeta --force - v08 "/dev/$vg/$name" 0 create-md 2>&1) || fail "$said"
fi
lvchange -qq --deltag gnt-raw "$vg/$name"
"""

_REMOVE = LOOK + GONE + r"""
vg=$1 name=$2
[ -z "$(volume lv_name "$name")" ] || gone "$name"
"""

_UNPAIR = LOOK + GONE + r"""
vg=$1
found=$(volume lv_name "$2") || exit 1
case ,$(volume lv_tags "$2"), in *,gnt-raw,*) found= ;; esac
vg=$3
[ -n "$found" ] || [ -z "$(volume lv_name "$4")" ] || gone "$4"
"""

_GROW = LOOK + r"""
vg=$1 name=$2 size=$3
found=$(volume lv_size "$name") || exit 1
[ -n "$found" ] || fail "there is no volume $vg/$name on this node"
[ "${found%.*}" -ge "$size" ] || lvextend -qq -L "${size}m" "$vg/$name" >/dev/null
"""

_SIZE = LOOK + r"""
vg=$1
volume lv_size "$2"
"""

_SPACE = LOOK + r"""
vg=$1
need_group
vgs --noheadings --nosuffix --units m -o vg_size,vg_free "$vg"
"""

_PHYSICAL = LOOK + r"""
vg=$1
need_group
pvs --noheadings --nosuffix --units m --separator ' ' -o pv_size,pv_attr,pv_name \
    -S "vg_name=\"$vg\""
"""

_FOUND = LOOK + r"""
vg=$1
need_group
lvs --noheadings --nosuffix --units m -o lv_name,lv_size "$vg"
"""


@node_task(deadline=60)
def create(
    vg: str, name: str, size: int, stripes: int = 1, metadata: bool = False
) -> Script[None]:
    """Make a volume of ``size`` MiB; ``metadata``: DRBD's, empty, is written to it."""
    return script(_CREATE, vg, name, size, stripes, metadata)


@node_task(deadline=60)
def remove(vg: str, name: str) -> Script[None]:
    """Take the volume away."""
    return script(_REMOVE, vg, name)


@node_task(deadline=60)
def unpair(vg: str, name: str, meta_vg: str, meta: str) -> Script[None]:
    """Take DRBD's metadata away if the data that it speaks of is not there."""
    return script(_UNPAIR, vg, name, meta_vg, meta)


@node_task(deadline=60)
def grow(vg: str, name: str, size: int) -> Script[None]:
    """Make the volume ``size`` MiB, if it is smaller."""
    return script(_GROW, vg, name, size)


@node_task(deadline=30)
def measure(vg: str, name: str) -> Script[int | None]:
    """MiB of a volume, or None."""
    return script(_SIZE, vg, name, parse=lambda said: _mib(said) if said.strip() else None)


@node_task(deadline=30)
def space(vg: str) -> Script[Space]:
    """The volume group."""
    return script(_SPACE, vg, parse=lambda said: parse_space(said, vg))


class Physical(Record):
    """A physical volume of a group."""

    name: str
    size: int  # MiB
    missing: bool


@node_task(deadline=30)
def physical(vg: str) -> Script[tuple[Physical, ...]]:
    """The physical volumes of the group."""
    return script(_PHYSICAL, vg, parse=parse_physical)


@node_task(deadline=60)
def found(vg: str, reserved: tuple[str, ...]) -> Script[Mapping[str, int]]:
    """All volumes of the group as ``group/name`` with their MiB, without those reserved."""
    return script(_FOUND, vg, parse=lambda said: parse_found(said, vg, reserved))


def parse_space(said: str, vg: str) -> Space:
    """What ``vgs -o vg_size,vg_free`` prints."""
    total, free = said.split()
    return Space(kind="lvm-vg", name=vg, total=_mib(total), free=_mib(free))


def parse_physical(said: str) -> tuple[Physical, ...]:
    """What ``pvs -o pv_size,pv_attr,pv_name`` prints; the third attribute is of missing ones."""
    lines = [line.split(maxsplit=2) for line in said.splitlines()]
    return tuple(Physical(name=name, size=_mib(size), missing=attributes[2:3] == "m")
                 for size, attributes, name in lines)


def parse_found(said: str, vg: str, reserved: Iterable[str] = ()) -> dict[str, int]:
    """What ``lvs -o lv_name,lv_size`` prints; patterns in ``reserved`` are of whole names."""
    import re

    kept = [re.compile(pattern) for pattern in reserved]
    lines = [line.split() for line in said.splitlines()]
    return {f"{vg}/{name}": _mib(size) for name, size in lines
            if not any(k.fullmatch(name) or k.fullmatch(f"{vg}/{name}") for k in kept)}


def _mib(text: str) -> int:
    return natural(text.strip().partition(".")[0])
