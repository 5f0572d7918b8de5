"""From an operation to a begun job: holds, facts, plan, and the commit that begins it.

    read ─ obstacles? ─ facts ─ plan ─ commit ─▶ begun
               └ commit `waiting` ─ block on the job before ─ read again

The id of a job is the serial of the transaction that records it first.  Its liveness lock is taken
while that transaction's turn is held, so whoever sees the record can tell whether its driver lives.
"""

from __future__ import annotations

from contextlib import suppress

from gnt.engine import hooks
from gnt.engine import job as transactions
from gnt.engine.desk import in_charge
from gnt.engine.finished import finished
from gnt.engine.holds import (
    ROOM,
    Claim,
    Obstacle,
    crowd,
    described,
    kind_of,
    obstacles,
)
from gnt.errors import Busy, GntError, Interrupted, JobFailed, NotFound
from gnt.model.objects import Job
from gnt.spec import Seen, dependency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gnt.engine.desk import Desk, Life
    from gnt.engine.job import Wish
    from gnt.engine.ports import Change, Key
    from gnt.model.config import Config
    from gnt.plan import Call, Plan
    from gnt.spec import Holds, Operation

    Check = Callable[[Config, Plan], None]

WAIT = 60.0  # seconds; after each the order is looked at again (priorities may have changed)
LOOK = 2.0  # seconds between two looks whether there is room for another job


class _Moved(Exception):
    """The state at the commit is not the one that was planned on: what to look at instead."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg


class _Taken(Exception):
    """Another driver has the lock of the number that the job would get: who was about to record
    one by it, and failed, or cannot be heard any more."""

    def __init__(self, master: str, job: str) -> None:
        self.master, self.job = master, job


class Beginning:
    """Brings one operation to its begin; ``job`` is its record when it was recorded before."""

    def __init__(
        self, desk: Desk, life: Life, operation: Operation, wish: Wish, *,
        check: Check | None = None,
    ) -> None:
        self.check = check  # sees the state and the plan that are about to be committed
        self.desk, self.life, self.operation, self.wish = desk, life, operation, wish
        self.job: Job | None = None
        self.post: tuple[str, ...] = ()  # nodes with post hooks, when no job carries them
        self._hooked: set[str] = set()  # nodes to ask for hooks besides those asked anyway
        self.gone: set[str] = set()  # waiting jobs without a driver
        self._told: list[str] = []  # whom the listener was told that we wait for
        self._answers: Mapping[Key, Any] = {}
        self._term = self._serial = 0  # of the state that they were asked on
        self._held: Mapping[str, Any] = {}  # our objects in that state
        self._fulfilled = False  # what the job depends on has ended as it should
        self._made: Job | None = None

    def until_begun(self, waiting: Job) -> tuple[Config, Job]:
        """(state, record) when the job that is recorded as waiting has begun."""
        self.job = waiting
        try:
            cfg, job = self.record()
            while job is not None and job.state == "waiting":
                cfg, job = self._try(self._wait(job))
        except GntError as error:
            self._withdraw(waiting, error)
            raise
        assert job is not None  # it was recorded, so it does not vanish into one commit
        return cfg, job

    def record(self) -> tuple[Config, Job | None]:
        """One commit: the job has begun, or is recorded as waiting."""
        try:
            return self._try(self.desk.first() if self.job is None else self.desk.read())
        except GntError:
            self.desk.store.give_turn()
            raise

    def _try(self, cfg: Config) -> tuple[Config, Job | None]:
        while True:
            before, full = self._in_the_way(cfg)
            dead = self._dead(cfg, [*before, *full])
            if dead:
                cfg = self._bury(dead)
                continue
            if (before or full) and self.job is not None:
                return cfg, self.job
            if not before:
                self._require_results(cfg)
                self._ask(cfg)
            try:
                cfg = self.desk.store.commit(self._change)
            except _Moved as moved:
                cfg = moved.cfg
                continue
            except _Taken as taken:
                self._until_free(taken)
                cfg = self.desk.read()
                continue
            if self._made is None:
                return cfg, None
            cfg = in_charge(self.desk, self.life, cfg, self._made.id, self._made.driver)
            self.job = transactions.pending(cfg, self._made.id)
            return cfg, self.job

    def _in_the_way(self, cfg: Config) -> tuple[list[Obstacle], list[Obstacle]]:
        """What must end before this may begin; who takes the room, if there is none."""
        claim = self._claim(cfg)
        return obstacles(cfg, claim, self.gone), crowd(cfg, claim, self.gone)

    def _require_results(self, cfg: Config) -> None:
        """Raise unless the jobs this one depends on were, and ended as they should."""
        wanted = dict(map(dependency, self.wish.depends))
        if not wanted or self._fulfilled:
            return
        ended = {item["id"]: item["result"] for item in finished(self.desk.store.history())
                 if item["id"] in wanted}
        for job, results in wanted.items():
            if job not in ended:
                raise NotFound(f"there is no job {job} on which this one could depend",
                               hint="gnt-job list")
            if results and kind_of(ended[job]) not in results:
                raise JobFailed(f"it depends on job {job} ending with {' or '.join(results)}, "
                                f"which ended otherwise: {ended[job]}", hint=f"gnt-job info {job}")
        self._fulfilled = True

    def _claim(self, cfg: Config) -> Claim:
        job = self.job
        if job is not None:
            if cfg.get(Job, job.id) is None:
                raise JobFailed(f"job {job.id} was cancelled while it waited; nothing was done")
            transactions.pending(cfg, job.id, job.driver)
        return Claim(
            holds=self.operation.holds(cfg), depends=self.wish.depends, id=job.id if job else "",
            priority=cfg.one(Job, job.id).priority if job else self.wish.priority,
        )

    def _ask(self, cfg: Config) -> None:
        """Ask the facts; the turn of the commit rides along."""
        calls = self._questions(cfg)
        (self.desk.approach if calls else self.desk.know)(cfg)
        if calls:
            self.desk.store.take_turn()
            self._hear(cfg, calls)

    def _questions(self, cfg: Config) -> list[Call[Any]]:
        calls: list[Call[Any]] = list(self.operation.facts(cfg))
        calls += hooks.questions(self.operation, cfg, calls, self._hooked)
        return list({call.key: call for call in calls}.values())

    def _hear(self, cfg: Config, calls: list[Call[Any]]) -> None:
        self._term, self._serial = cfg.term, cfg.serial
        self._held = _ours(cfg, self.operation.holds(cfg))
        self._answers = self.desk.ask(cfg, calls)

    def _require_true(self, cfg: Config) -> None:
        """Raise _Moved where the answers may not be true of this state: what we hold was changed by
        a job that ended since, nodes refuse questions of a term that is over, or others are asked.

        Who must be exact asks once more, while the turn is ours: nothing can begin meanwhile.
        """
        if self._answers and (cfg.term != self._term
                              or self._held != _ours(cfg, self.operation.holds(cfg))):
            raise _Moved(cfg)
        if self._answers and cfg.serial != self._serial and self.operation.exact(cfg):
            self._hear(cfg, self._questions(cfg))
        if any(call.key not in self._answers for call in self.operation.facts(cfg)):
            raise _Moved(cfg)

    def _change(self, cfg: Config) -> Change:
        """The transaction that begins the job on this very state, or records that it waits."""
        before, full = self._in_the_way(cfg)
        if before:
            return self._queue(cfg, before[0])
        self._require_true(cfg)
        plan = self.operation.plan(cfg, Seen(self._answers))
        if self.check is not None:
            self.check(cfg, plan)
        if more := hooks.unasked(self.operation, cfg, plan, self._answers):
            self._hooked |= more
            raise _Moved(cfg)
        if full and plan.steps:
            return self._queue(cfg, full[0])
        return self._begin(cfg, *hooks.with_hooks(self.operation, cfg, plan, self._answers))

    def _begin(self, cfg: Config, plan: Plan, post: tuple[str, ...]) -> Change:
        if not plan.steps and self.job is None:
            self._made, self.post = None, post
            return transactions.at_once(
                cfg, self.operation, plan, self.wish, self.desk.clock())
        job = self.job or self._born(cfg)
        self._live(cfg, job)
        self._made, change = transactions.begin(cfg, job, plan, self.desk.clock(), post)
        return change

    def _queue(self, cfg: Config, first: Obstacle) -> Change:
        if not self.wish.wait and first.over == (ROOM,):
            raise Busy(f"{cfg.cluster.max_running_jobs} jobs run already, as many as may",
                       hint="leave out --no-wait, or: gnt-cluster modify --max-running-jobs N")
        if not self.wish.wait:
            raise Busy(f"job {first.job.id} ({first.job.operation}) holds "
                       + ", ".join(described(cfg, path) for path in first.over),
                       hint=f"gnt-job wait {first.job.id}, or leave out --no-wait")
        if self.job is not None:
            raise _Moved(cfg)
        self._made = self._born(cfg)
        self._live(cfg, self._made)
        return transactions.queue(self._made)

    def _live(self, cfg: Config, job: Job) -> None:
        """Take the job's lock.

        Nobody has recorded a job that is born here, so whoever has its lock began one that came to
        nothing, and is about to let go: that is waited for, but not in the turn.
        """
        try:
            self.life.begin(cfg.master.name, job.id)
        except Busy:
            if self.job is not None or not self.wish.wait:
                raise
            raise _Taken(cfg.master.name, job.id) from None

    def _until_free(self, taken: _Taken) -> None:
        with self.desk.stop.at_once("the job was given up before it was recorded; nothing was done",
                                    "give the command again"):
            self.desk.transport.wait_owner(taken.master, taken.job, WAIT)

    def _born(self, cfg: Config) -> Job:
        return transactions.born(
            cfg, self.operation, self.operation.holds(cfg), self.wish, self.desk.clock())

    def _dead(self, cfg: Config, before: list[Obstacle]) -> list[Obstacle]:
        """Those in the way that have no driver."""
        ids = [o.job.id for o in before]
        owned = self.desk.transport.owned(cfg.master.name, ids) if ids else {}
        return [o for o in before if not owned.get(o.job.id)]

    def _bury(self, dead: list[Obstacle]) -> Config:
        """Forget waiting jobs without a driver; stop at one that had begun."""
        cfg = self.desk.read()  # after the look at the locks: a job that ended is gone from it
        for obstacle in dead:
            job = cfg.get(Job, obstacle.job.id)
            if job is not None and job.state != "waiting" and obstacle.over != (ROOM,):
                raise orphaned(cfg, obstacle)
            self.gone.add(obstacle.job.id)
        return cfg

    def _wait(self, job: Job) -> Config:
        """Block until the job before this one ends, or it is time to look again."""
        cfg = self.desk.read()
        first, full = self._in_the_way(cfg)
        before = first or full
        if before:
            others = [o.job.id for o in before]
            if others != self._told:
                self._told = others
                self.desk.listener.waiting(job.id, others)
            with self.desk.stop.at_once(
                f"job {job.id} was given up while it waited; nothing was done",
                f"should it still be there: gnt-job cancel {job.id}",
            ):
                self.desk.transport.wait_owner(
                    cfg.master.name, before[0].job.id, WAIT if first else LOOK)
        return self.desk.read()

    def _withdraw(self, job: Job, error: GntError) -> None:
        """A recorded job that cannot begin leaves the queue.

        Where even that fails, a waiting record without a driver stays: it holds nothing.
        """
        self.desk.store.give_turn()
        result = "cancelled" if isinstance(error, Interrupted) else f"failed: {error.message}"
        with suppress(GntError):
            recorded = transactions.found(self.desk.read(), job.id)
            if recorded is not None and recorded.state == "waiting":
                self.desk.store.commit(
                    lambda cfg: transactions.dropped(cfg, job.id, result, job.driver))


def _ours(cfg: Config, holds: Holds) -> dict[str, Any]:
    """The objects that nobody else may change while we work, as they are.

    Those that are yet to be made do not count: their uuids depend on the state.
    """
    parts = {path: path.partition("/") for path in holds.exclusive}
    found = {path: cfg.state.load(kind, key) for path, (kind, _, key) in parts.items()}
    return {path: data for path, data in found.items() if data is not None}


def orphaned(cfg: Config, obstacle: Obstacle) -> Busy:
    """A job stands in the way whose driver is gone."""
    job = obstacle.job
    over = ", ".join(described(cfg, path) for path in obstacle.over)
    undo = "" if job.state == "settling" else f", or gnt-job undo {job.id}"
    return Busy(f"job {job.id} ({job.operation}) holds {over}, but its driver ({job.driver}) "
                "is gone", hint=f"gnt-job resume {job.id}{undo}")
