"""Empty clusters from a few numbers: ``policy,nodes,disk,memory,cpus[,spindles[,exclusive]]``."""

from __future__ import annotations

import re

from gnt.errors import Invalid
from gnt.htools.world import MOST_NODES, BadData, Group, Node, World
from gnt.values import whole as counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

POLICIES = {"p": "preferred", "a": "last_resort", "l": "last_resort", "u": "unallocable"}
EXCLUSIVE = {"Y": True, "N": False, "True": True, "False": False}
UNITS = {"": 2**20, "m": 2**20, "g": 2**30, "t": 2**40, "M": 10**6, "G": 10**9, "T": 10**12}
LONG_UNITS = {"mib": "m", "gib": "g", "tib": "t", "mb": "M", "gb": "G", "tb": "T"}
SIZE = re.compile(r"([0-9]{1,15}) ?([A-Za-z]*)")
SIZES = "MiB, or with m, g, t (MiB, GiB, TiB) or M, G, T (MB, GB, TB)"


def size(text: str) -> int:
    """MiB of a number with a unit; ValueError if it is none.

    As everywhere in the htools, capitals and ``b`` without ``i`` count by thousands.
    """
    found = SIZE.fullmatch(text)
    unit = found and LONG_UNITS.get(found[2].lower(), found[2])
    if not found or unit not in UNITS:
        raise ValueError(text)
    return int(found[1]) * UNITS[unit] // 2**20


def sized(text: str, spec: str) -> int:
    try:
        return size(text)
    except ValueError:
        raise BadData(f"--simulate={spec}: {text!r} is not a size ({SIZES})") from None


def whole(text: str, spec: str, least: int = 0, most: int = 2**31) -> int:
    try:
        return counted(least, most).read(text)
    except Invalid as error:
        raise BadData(f"--simulate={spec}: {error.problem}") from None


def group(number: int, spec: str) -> tuple[Group, list[Node]]:
    """One group of equal nodes."""
    words = spec.split(",")
    if not 5 <= len(words) <= 7:
        raise BadData(f"--simulate={spec}: {len(words)} values where 5 to 7 are needed "
                      "(policy,nodes,disk,memory,cpus[,spindles[,exclusive storage]])")
    alloc = POLICIES.get(words[0], words[0])
    if alloc not in POLICIES.values():
        raise BadData(f"--simulate={spec}: {words[0]!r} is no policy "
                      "(preferred, last_resort, unallocable)")
    count = whole(words[1], spec, 0, MOST_NODES)
    disk, memory = sized(words[2], spec), sized(words[3], spec)
    cpus = whole(words[4], spec)
    spindles = whole(words[5], spec) if len(words) > 5 else 1
    if len(words) > 6 and words[6] not in EXCLUSIVE:
        raise BadData(f"--simulate={spec}: {words[6]!r} is none of {', '.join(EXCLUSIVE)}")
    exclusive = len(words) > 6 and EXCLUSIVE[words[6]]
    made = Group(name=f"group-{number:02d}", uuid=f"fake-uuid-{number:02d}", alloc_policy=alloc)
    return made, [Node(
        name=f"node-{number:02d}-{k:03d}", group=number - 1, t_mem=float(memory), n_mem=0,
        f_mem=memory, t_dsk=float(disk), f_dsk=disk, t_cpu=float(cpus), n_cpu=1,
        spindles=spindles, free_spindles=spindles if exclusive else 0, exclusive_storage=exclusive,
    ) for k in range(1, count + 1)]


def build(specs: Sequence[str]) -> World:
    """One group per specification; as in the reference the last one given comes first, and the
    first node is the master."""
    made = [group(k, spec) for k, spec in enumerate(reversed(specs), 1)]
    nodes = [n for _, ns in made for n in ns]
    return World(groups=tuple(g for g, _ in made),
                 nodes=tuple(n.replace(master=k == 0) for k, n in enumerate(nodes)))
