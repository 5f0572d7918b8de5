"""``session.jobs``: what people do with jobs besides running one (``spec.Jobs``)."""

from __future__ import annotations

from gnt.engine import job as transactions
from gnt.engine import recover
from gnt.engine.finished import ARCHIVE, finished
from gnt.engine.follow import read_log, sweep
from gnt.engine.holds import PRIORITIES, described
from gnt.engine.ports import Change
from gnt.engine.stop import on_signals
from gnt.errors import Busy, GntError, JobFailed, NodeFailed, NotFound
from gnt.plan import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gnt.engine.desk import Desk
    from gnt.engine.ports import Front
    from gnt.model.config import Config
    from gnt.model.objects import Job

LOOK = 1.0  # seconds between two looks at the log of a watched job


class Jobs:
    """Pending jobs from the configuration, ended ones from its history."""

    def __init__(self, desk: Desk, front: Front, driver: str) -> None:
        self.desk, self.front, self.driver = desk, front, driver

    def finished(self, newest: int | None = None) -> list[Mapping[str, Any]]:
        return list(finished(self.desk.store.history(newest=newest)))

    def alive(self, jobs: Iterable[str]) -> dict[str, bool]:
        ids = list(jobs)
        cfg = self.desk.read()
        owned = self.desk.transport.owned(cfg.master.name, ids) if ids else {}
        if not all(owned.values()):
            now = self.desk.read()  # some may just have ended: those are left out
            owned = {job: lives for job, lives in owned.items()
                     if lives or transactions.found(now, job) is not None}
        return owned

    def details(self, job: str) -> Mapping[str, Any]:
        cfg = self.desk.read()
        pending = transactions.found(cfg, job)
        if pending is not None:
            return self._pending(cfg, pending)
        for item in self.finished():
            if item["id"] == job:
                return _told(item)
        raise _unknown(job)

    def _pending(self, cfg: Config, job: Job) -> Mapping[str, Any]:
        lives = self.desk.transport.owned(cfg.master.name, [job.id]).get(job.id, False)
        plan = transactions.plan_of(job)
        return {
            "id": job.id, "operation": job.operation, "state": job.state,
            "driver": f"{job.driver} ({'lives' if lives else 'gone'})", "author": job.author,
            "priority": job.priority, "reason": job.reason, "received": _when(job.received),
            "started": _when(job.started), "parameters": dict(job.params),
            "holds": [described(cfg, path) for path in job.exclusive],
            "shares": [described(cfg, path) for path in job.shared],
            "depends": list(job.depends), "plan": list(render(plan)),
        }

    def watch(self, job: str) -> int:
        """Shows the log until the record is gone; then says what the history knows."""
        position = 1
        while True:
            cfg = self.desk.read()
            pending = transactions.found(cfg, job)
            position += self._shown(cfg, job, position)
            if pending is None:
                return self._verdict(job)
            if self.desk.transport.wait_owner(cfg.master.name, job, LOOK):
                left = recover.wait(self.desk, job)
                if left is not None:
                    raise _orphaned(left)

    def _shown(self, cfg: Config, job: str, position: int) -> int:
        call = read_log.on(cfg.master.name, job, position)
        text = self.desk.transport.ask([call])[call.key]
        if isinstance(text, NodeFailed):
            raise text
        for line in text.splitlines():
            self.front.tell(line)
        return len(text.encode())

    def wait(self, job: str) -> int:
        left = recover.wait(self.desk, job)
        if left is not None:
            raise _orphaned(left)
        return self._verdict(job)

    def _verdict(self, job: str) -> int:
        for item in self.finished():
            if item["id"] == job:
                self.front.tell(f"job {job} ({item['operation']}): {item['result']}")
                return 0 if item["result"] == "success" else JobFailed.exit_code
        raise _unknown(job)

    def cancel(self, job: str) -> str:
        return recover.cancel(self.desk, job)

    def resume(self, job: str, gone: Iterable[str] = ()) -> int:
        cfg = self.desk.read()
        if transactions.found(cfg, job) is None:
            return self._swept(cfg, job)
        with on_signals(self.desk.stop):
            recover.resume(self.desk, job, self.driver, gone)
        return 0

    def _swept(self, cfg: Config, job: str) -> int:
        """Of a job that has ended nothing is left to do but to take its locks away."""
        ended = self._verdict(job)
        calls = [sweep.on(node.name, job) for node in cfg.nodes if not node.offline]
        for call, answer in self.desk.transport.ask(calls).items():
            if isinstance(answer, GntError):
                self.front.tell(f"{call[1]}: locks of job {job} may be left: {answer.message}")
        return ended

    def undo(self, job: str, gone: Iterable[str] = ()) -> int:
        with on_signals(self.desk.stop):
            for line in recover.undo(self.desk, job, self.driver, gone):
                self.front.tell(f"undone: {line}")
        return 0

    def change_priority(self, job: str, priority: str) -> None:
        recover.change_priority(self.desk, job, PRIORITIES[priority])

    def archive(self, jobs: Iterable[str]) -> int:
        wanted = list(dict.fromkeys(jobs))
        known = {item["id"]: item for item in self.finished()}
        for job in wanted:
            if job not in known:
                transactions.refuse_pending(self.desk.read(), job)
                raise _unknown(job)
        return self._archive([job for job in wanted if not known[job]["archived"]])

    def autoarchive(self, age: int) -> int:
        limit = self.desk.clock() - age
        return self._archive([
            item["id"] for item in self.finished()
            if not item["archived"] and (item["ended"] or 0) <= limit
        ])

    def _archive(self, jobs: list[str]) -> int:
        if jobs:
            self.desk.store.commit(
                lambda cfg: Change(edits=(), operation=ARCHIVE, note=" ".join(jobs)))
        return len(jobs)


def _told(ended: Mapping[str, Any]) -> Mapping[str, Any]:
    """An ended job for people."""
    shown = {name: value for name, value in ended.items() if name not in ("params", "about")}
    times = {name: _when(ended.get(name)) for name in ("began", "started", "ended")}
    about = {"about": ended["about"]} if ended["about"] else {"parameters": dict(ended["params"])}
    return {**shown, **times, **about}


def _when(seconds: float | None) -> str:
    """A time for people, in the time zone of this machine."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else "-"


def _unknown(job: str) -> NotFound:
    return NotFound(f"there is no job {job}, pending or in the history", hint="gnt-job list")


def _orphaned(job: Job) -> Busy:
    undo = "" if job.state == "settling" else f", or gnt-job undo {job.id}"
    return Busy(f"the driver of job {job.id} ({job.driver}) is gone; the job is {job.state}",
                hint=f"gnt-job resume {job.id}{undo}")
