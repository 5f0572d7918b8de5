"""Autorepair by tags: what may be repaired, what is, and how it ended (reference F.5).

Below ``ganeti:watcher:autorepair:`` a tag of an instance, its group or the cluster is

* ``fix-storage``, ``migrate``, ``failover`` or ``reinstall``: what may be done, each including
  those before it; of several on one object the least counts, and the nearest object decides,
* ``suspend`` or ``suspend:SECONDS``: nothing, for ever or until that time,
* ``pending:TYPE:ID:SECONDS:JOBS``: a repair that is under way (only on instances),
* ``result:TYPE:ID:SECONDS:success|failure|enoperm:JOBS``: how the last one ended.
"""

from __future__ import annotations

from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX = "ganeti:watcher:autorepair:"
TYPES = ("fix-storage", "migrate", "failover", "reinstall")
SUCCESS, FAILURE, NO_PERMISSION = OUTCOMES = ("success", "failure", "enoperm")
HEALTHY, SUSPENDED, NEEDS, DISALLOWED, PENDING, FAILED = STATES = (
    "Healthy", "Suspended", "NeedsRepair", "RepairDisallowed", "PendingRepair", "FailedRepair")


class Repair(Record):
    """A pending or ended repair, as its tag says."""

    type: str
    id: str
    time: int
    jobs: tuple[str, ...] = ()
    outcome: str = ""  # of OUTCOMES; empty: pending

    @property
    def tag(self) -> str:
        kind = "result" if self.outcome else "pending"
        end = (self.outcome,) if self.outcome else ()
        return PREFIX + ":".join(
            (kind, self.type, self.id, str(self.time), *end, "+".join(self.jobs)))


def repairs(tags: Iterable[str]) -> list[Repair]:
    """The repairs that an instance's tags tell of, the latest first; nonsense is left out."""
    found = []
    for tag in tags:
        kind, *words = tag.removeprefix(PREFIX).split(":") if tag.startswith(PREFIX) else [""]
        outcome = words.pop(3) if kind == "result" and len(words) == 5 else ""
        if (kind in ("pending", "result") and len(words) == 4 and words[0] in TYPES
                and words[2].isascii() and words[2].isdigit()
                and (outcome in OUTCOMES) == (kind == "result")):
            found.append(Repair(type=words[0], id=words[1], time=int(words[2]), outcome=outcome,
                                jobs=tuple(filter(None, words[3].split("+")))))
    return sorted(found, key=lambda repair: -repair.time)


def permission(objects: Sequence[Iterable[str]], now: float) -> str:
    """What the tags allow, of the nearest object first: one of TYPES, SUSPENDED, or nothing."""
    for tags in objects:
        words = [tag.removeprefix(PREFIX) for tag in tags if tag.startswith(PREFIX)]
        if any(_suspends(word, now) for word in words):
            return SUSPENDED
        given = [word for word in words if word in TYPES]
        if given:
            return min(given, key=TYPES.index)
    return ""


def _suspends(word: str, now: float) -> bool:
    kind, colon, until = word.partition(":")
    if kind != "suspend":
        return False
    return not colon or (until.isascii() and until.isdigit() and int(until) > now)


def allows(given: str, needed: str) -> bool:
    """Whether a permission is enough for a repair."""
    return given in TYPES and TYPES.index(given) >= TYPES.index(needed)


def state(tags: Iterable[str], needed: str, given: str) -> str:
    """How an instance is: its tags, the repair that it needs (or none), and the permission."""
    known = repairs(tags)
    if any(not repair.outcome for repair in known):
        return PENDING
    if given == SUSPENDED:
        return SUSPENDED
    if known and known[0].outcome == FAILURE:
        return FAILED
    if not needed:
        return HEALTHY
    return NEEDS if allows(given, needed) else DISALLOWED
