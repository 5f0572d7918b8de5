"""``--uid-pool``: ranges of user ids that guests are run under, none twice."""

from __future__ import annotations

from gnt.errors import Conflict
from gnt.values import Kind, natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Ranges = tuple[tuple[int, int], ...]

HIGHEST = 2**32 - 2


def _read(text: str) -> Ranges:
    ranges = []
    for part in text.split(",") if text else ():
        low, dash, high = part.partition("-")
        first, last = natural(low), natural(high if dash else low)
        if not 0 < first <= last <= HIGHEST:
            raise ValueError(text)
        ranges.append((first, last))
    return tuple(ranges)


RANGES: Kind[Ranges] = Kind(
    _read, "UID[-UID],…", f"user ids or ranges of them, from 1 to {HIGHEST}")


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same ids in as few ranges as possible; an id given twice is refused."""
    made: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if made and low <= made[-1][1]:
            raise Conflict(f"user id {low} is in the pool twice", hint="gnt-cluster info shows it")
        if made and low == made[-1][1] + 1:
            made[-1] = (made[-1][0], high)
        else:
            made.append((low, high))
    return tuple(made)


def without(ranges: Ranges, gone: Ranges) -> Ranges:
    """The ranges with some ids taken out; ids that are not there are refused."""
    left = list(ranges)
    for low, high in gone:
        home = next((one for one in left if one[0] <= low and high <= one[1]), None)
        if home is None:
            raise Conflict(f"user ids {low}-{high} are not in the pool",
                           hint="gnt-cluster info shows it")
        left.remove(home)
        left += [(first, last) for first, last in ((home[0], low - 1), (high + 1, home[1]))
                 if first <= last]
    return tuple(sorted(left))


def shown(ranges: Ranges) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
