"""Who waits for whom (ADR 0060).

A job may begin when no job that has begun conflicts with it, and no waiting one that comes before
it.  The first rule is checked inside the commit that begins the job, so it cannot be raced; the
second is manners.  No more jobs with steps run at once than the cluster's ``max_running_jobs``.
"""

from __future__ import annotations

from gnt.record import Record
from gnt.spec import Holds, dependency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from gnt.model.config import Config
    from gnt.model.objects import Job

PRIORITIES = {"low": 10, "normal": 0, "high": -10}
ROOM = "max_running_jobs"
UNBORN = 2**62  # the id, for ordering, of a job that is not recorded yet


class Claim(Record):
    """What decides a job's turn."""

    holds: Holds
    priority: int = 0
    depends: tuple[str, ...] = ()  # ids, or "id:result,result"
    id: str = ""  # empty: not recorded yet

    @property
    def order(self) -> tuple[int, int]:
        return self.priority, int(self.id or UNBORN)


class Obstacle(Record):
    """A job to wait for, and the objects (or the dependency) because of which."""

    job: Job
    over: tuple[str, ...]

    @property
    def begun(self) -> bool:
        return self.job.state != "waiting"


def kind_of(result: str) -> str:
    """Which of ``spec.RESULTS`` the history means by the words in which a job ended."""
    if result == "success":
        return "success"
    return "canceled" if result.startswith("cancel") else "error"


def crowd(cfg: Config, claim: Claim, gone: Container[str] = ()) -> list[Obstacle]:
    """The begun jobs, when there are as many as may run at once; one of them must end first.

    ``gone`` are jobs without a driver: nobody works on them.
    """
    most = cfg.cluster.max_running_jobs
    begun = [job for job in cfg.jobs
             if job.state != "waiting" and job.id != claim.id and job.id not in gone]
    if len(begun) < most:
        return []
    return [Obstacle(job=job, over=(ROOM,)) for job in sorted(begun, key=lambda job: int(job.id))]


def held(job: Job) -> Holds:
    return Holds(exclusive=job.exclusive, shared=job.shared)


def obstacles(cfg: Config, claim: Claim, gone: Container[str] = ()) -> list[Obstacle]:
    """What must end before ``claim`` may begin, begun jobs first, then by order.

    ``gone`` are waiting jobs without a driver: they hold nothing and stand in nobody's way.
    """
    found: list[Obstacle] = []
    depends = [dependency(text)[0] for text in claim.depends]
    for job in cfg.jobs:
        if job.id == claim.id:
            continue
        over = claim.holds.conflicts(held(job)) or (("depends",) if job.id in depends else ())
        ahead = (job.priority, int(job.id)) < claim.order and job.id not in gone
        if over and (job.state != "waiting" or ahead or job.id in depends):
            found.append(Obstacle(job=job, over=over))
    return sorted(found, key=lambda o: (not o.begun, o.job.priority, int(o.job.id)))


def described(cfg: Config, path: str) -> str:
    """An object's path for people: ``instance web1`` for ``instances/<uuid>``."""
    kind, _, key = path.partition("/")
    data = cfg.state.load(kind, key) if key else None
    name = (data or {}).get("name", key)
    return f"{kind.removesuffix('s')} {name}" if key else kind
