"""``harep``: repair instances whose nodes are lost, where tags allow it."""

from __future__ import annotations

import sys

from gnt.commands.htools._options import LUXI, Program
from gnt.commands.htools._perform import Stopping
from gnt.errors import GntError, Interrupted
from gnt.htools import repair
from gnt.htools.repair import Repair
from gnt.spec import args, opt
from gnt.storage.base import Shared, storage
from gnt.values import BOOL, DURATION, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.spec import Operation, Session

out = sys.stdout.write
GRACE = 300  # seconds in which another harep may be about to submit what its tag announces
RULE = "-" * 21 + "\n"


class Harep(Program, command="htools harep"):
    """Repair instances that are broken, where tags of theirs, their group's or the cluster's allow.

    An instance is broken when its node is offline: it is failed over when other nodes reach its
    disks (tag ganeti:watcher:autorepair:failover), else its disks are made anew elsewhere and it is
    installed again (…:reinstall).  On a drained node it is migrated (…:migrate).  Tags of the
    instance say what is under way (…:pending:) and how it ended (…:result:); after a failure
    nothing more is done until its tag is removed.  Meant to be run again and again, as by cron.
    """

    examples = (
        ("harep -L --dry-run", "what would be done, and what would need a tag"),
        ("harep -L --reason 'night shift' rack1", "repair, in one group"),
    )
    luxi: str | None = opt(LUXI, "the cluster this program belongs to, which is used anyway",
                           default=None, short="L")
    job_delay: int = opt(DURATION, "wait so long after all instances were looked at, before the "
                         "repairs begin", default=0)
    dry_run: bool = opt(BOOL, "only say what would be done", default=False)
    groups: tuple[str, ...] = args(TEXT, "only instances of these groups", default=(),
                                   complete="group")

    def work(self, session: Session) -> int:
        import time

        cfg = session.config()
        wanted = {cfg.group(name).uuid for name in self.groups} or {g.uuid for g in cfg.groups}
        chosen = [inst for inst in cfg.instances if not inst.forthcoming
                  and cfg.node(inst.primary_node).group in wanted]
        with Stopping(session).listening() as stopping:
            begun = [(inst, made) for inst in chosen if not stopping.requested
                     and (made := self.look(session, cfg, inst, time.time())) is not None]
            if begun and self.job_delay and not stopping.requested:
                time.sleep(self.job_delay)
            for inst, made in begun:
                if stopping.requested:
                    self.forgo(session, inst.name, made, "it was asked to stop")
                else:
                    self.repair(session, inst.name, made)
        self.tell(session.config(), [inst.name for inst in chosen], time.time())
        return 0

    # --- looking --------------------------------------------------------------------------------

    def look(self, session: Session, cfg: Config, inst: Instance, now: float) -> Repair | None:
        """Bring the tags of an instance up to date; the repair to begin, if there is one."""
        self.close(session, cfg, inst, now)
        if not self.dry_run:
            inst = session.config().instance(inst.name)
        needed, given = need(cfg, inst), permitted(cfg, inst, now)
        found = repair.state(inst.tags, needed, given)
        made = Repair(type=needed or repair.TYPES[0], id=f"{inst.uuid[:8]}", time=int(now))
        if found == repair.NEEDS:
            self.note(session, inst, f"needs {needed}, which is allowed")
            self.change(session, inst, made, drop=repair.repairs(inst.tags))
            return None if self.dry_run else made
        if found == repair.DISALLOWED:
            self.note(session, inst, f"needs {needed}, which no tag allows")
            last = repair.repairs(inst.tags)
            if not last or last[0].type != needed:
                self.change(session, inst, made.replace(outcome=repair.NO_PERMISSION), drop=last)
        return None

    def close(self, session: Session, cfg: Config, inst: Instance, now: float) -> None:
        """A repair that nobody works on any more has succeeded if the instance is well; one that
        is down may have disks that are new and empty.  One that no job was made of is forgotten."""
        held = any(f"instances/{inst.uuid}" in job.exclusive for job in cfg.jobs)
        for old in repair.repairs(inst.tags):
            if old.outcome or held or now <= old.time + self.job_delay + GRACE:
                continue
            unsure = old.type == "reinstall" and inst.admin_state != "up"
            lost = need(cfg, inst)
            if lost and not begun(session, inst.name, old.time):
                self.forgo(session, inst.name, old, "its harep was cut off")
                continue
            outcome = repair.FAILURE if lost or unsure else repair.SUCCESS
            self.note(session, inst, f"its {old.type} was cut off: {outcome}")
            self.change(session, inst, old.replace(outcome=outcome), drop=[old])

    # --- repairing ------------------------------------------------------------------------------

    def repair(self, session: Session, name: str, made: Repair) -> None:
        jobs: list[str] = []
        outcome = repair.SUCCESS
        try:
            for operation in steps(session.config().instance(name), made.type):
                submitted = session.submit(operation)
                jobs += submitted
                if any(session.jobs.wait(job) for job in submitted):
                    outcome = repair.FAILURE
                    break
        except Interrupted:
            raise
        except GntError as error:
            session.tell(f"{name}: {error.message}")
            outcome = repair.FAILURE
        inst = session.config().instance(name)
        self.note(session, inst, f"{made.type}: {outcome}")
        self.change(session, inst, made.replace(outcome=outcome, jobs=tuple(jobs)), drop=[made])

    def forgo(self, session: Session, name: str, made: Repair, why: str) -> None:
        """Take back what was announced and is not begun: the next look finds it needed."""
        from gnt.commands.instance.remove_tags import InstanceRemoveTags

        session.tell(f"{name}: its {made.type} was not begun: {why}")
        if not self.dry_run:
            session.execute(InstanceRemoveTags(words=(name, made.tag)))

    def change(self, session: Session, inst: Instance, new: Repair, *, drop: list[Repair]) -> None:
        """Another tag in the place of older ones."""
        from gnt.commands.instance.add_tags import InstanceAddTags
        from gnt.commands.instance.remove_tags import InstanceRemoveTags

        if self.dry_run:
            return
        gone = [old.tag for old in drop if old.tag in inst.tags and old.tag != new.tag]
        if new.tag not in inst.tags:
            session.execute(InstanceAddTags(words=(inst.name, new.tag)))
        if gone:
            session.execute(InstanceRemoveTags(words=(inst.name, *gone)))

    # --- telling --------------------------------------------------------------------------------

    def note(self, session: Session, inst: Instance, text: str) -> None:
        session.tell(f"{inst.name}: {text}")

    def tell(self, cfg: Config, names: list[str], now: float) -> None:
        counts = dict.fromkeys(repair.STATES, 0)
        for name in names:
            inst = cfg.instance(name)
            counts[repair.state(inst.tags, need(cfg, inst), permitted(cfg, inst, now))] += 1
        out(f"{RULE}Instance status count\n{RULE}")
        out("".join(f"{state}: {count}\n" for state, count in counts.items() if count))


def permitted(cfg: Config, inst: Instance, now: float) -> str:
    from gnt.model.objects import Group

    group = cfg.one(Group, cfg.node(inst.primary_node).group)
    return repair.permission((inst.tags, group.tags, cfg.cluster.tags), now)


def need(cfg: Config, inst: Instance) -> str:
    """The repair that an instance needs; empty: none."""
    home, driver = cfg.node(inst.primary_node), storage(inst.disk_template)
    reached = not driver.takes_disks or isinstance(driver, Shared)
    if home.offline:
        return "failover" if reached else "reinstall"
    return "migrate" if home.drained and inst.admin_state == "up" and reached else ""


def begun(session: Session, name: str, since: int) -> bool:
    """Whether any job of the instance ended that was begun since then."""
    return any((job["began"] or 0) >= since and name in (
        job["params"].get("name"), *job["params"].get("names", ()))
        for job in session.jobs.finished())


def steps(inst: Instance, kind: str) -> Iterator[Operation]:
    """The operations of a repair, each after the end of the one before."""
    from gnt.commands.instance.failover import Failover
    from gnt.commands.instance.migrate import Migrate
    from gnt.commands.instance.recreate_disks import RecreateDisks
    from gnt.commands.instance.reinstall import Reinstall
    from gnt.commands.instance.shutdown import Shutdown
    from gnt.commands.instance.startup import Startup

    name, up = inst.name, inst.admin_state == "up"
    if kind == "migrate":
        yield Migrate(name=name, force=True)
    elif kind == "failover":
        yield Failover(name=name, force=True)
    else:
        if up:
            yield Shutdown(names=(name,), ignore_offline=True)
        yield RecreateDisks(name=name, iallocator="hail")
        yield Reinstall(names=(name,), force=True)
        if up:
            yield Startup(names=(name,))
