"""gnt-instance migrate."""

from __future__ import annotations

from gnt.commands.instance import _disks, _guest, _life, _mirror, _move
from gnt.commands.instance._moving import Moving
from gnt.errors import Conflict
from gnt.hypervisor.base import Migratable, hypervisor
from gnt.model import inherit
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Migrate(Moving, command="instance migrate"):
    """Move a running instance to another node without stopping it.

    Its disks must be reachable from there.  Every node that could is asked first whether it runs
    there; it is refused when that is not exactly its home.  --cleanup puts the record right after a
    migration that was cut off, by looking where the instance runs.
    """

    hook = "instance-migrate"
    rapi = "PUT /2/instances/{name}/migrate"
    examples = (
        ("gnt-instance migrate -n node2 web", "live, to node2"),
        ("gnt-instance migrate --non-live web", "paused while it is copied, to a node with room"),
        ("gnt-instance migrate --cleanup web", "find where it runs and record that"),
    )

    non_live: bool = opt(BOOL, "pause it while its memory is copied", default=False)
    migration_mode: str | None = opt(choice("live", "non-live"), "live or non-live", default=None)
    allow_failover: bool = opt(BOOL, "fail it over when it cannot be migrated", default=False)
    ignore_ipolicy: bool = opt(BOOL, "also when the target's policy does not allow it",
                               default=False)
    ignore_hvversions: bool = opt(BOOL, "also between different versions of the hypervisor",
                                  default=False)
    runtime_changes: bool = opt(BOOL, "its memory may be ballooned down to fit", default=True)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def confirm(self, cfg: Config) -> str:
        return "" if self.force or self.cleanup else (
            f"Migrate instance {cfg.instance(self.name).name}? Its disks stay where they are; "
            "should the migration break, it goes on running where it is.")

    def questions(self, cfg: Config, inst: Instance) -> Iterator[Call[Any]]:
        source = _life.home(cfg, inst)
        needs = _move.needs(cfg, inst)
        yield _life.running(inst, source)
        yield needs[source.group].capable(source)
        yield from super().questions(cfg, inst)
        for node in _move.candidates(cfg, inst, self.target_node):
            port = self._port(cfg, inst, node)
            if port is not None:
                yield port

    def moved(self, cfg: Config, inst: Instance, seen: Seen) -> Plan:
        source = _life.home(cfg, inst)
        _life.require_online(source, inst)
        if not _life.runs_on(inst, source, seen):
            if self.allow_failover:
                raise Conflict(f"{inst.name} does not run on {source.name}",
                               hint=f"gnt-instance failover {inst.name}")
            raise Conflict(f"{inst.name} does not run on its home {source.name}",
                           hint=f"gnt-instance startup {inst.name}, or --cleanup if it runs "
                                "elsewhere")
        chosen = _move.choose(cfg, inst, self.target_node, seen, self._memory(cfg, inst),
                              explain=self.explain)
        target = chosen.node
        _mirror.require_whole(cfg, inst, target, seen)
        unseen = _life.require_nowhere_else(cfg, inst, seen)
        if not self.ignore_ipolicy:
            _move.enforce(cfg, inst, target)
        if not self.ignore_hvversions:
            _move.require_same_version(cfg, inst, source, target, seen)
        made = self._steps(cfg, inst, source, target, seen)
        return made.replace(notes=(*unseen, *made.notes, *chosen.notes))

    def _steps(
        self, cfg: Config, inst: Instance, source: Node, target: Node, seen: Seen,
    ) -> Plan:
        driver = hypervisor(inst.hypervisor)
        assert isinstance(driver, Migratable)
        disks = cfg.disks(inst)
        here = _guest.guest(cfg, inst, source)
        there = _guest.guest(cfg, inst, target)
        port = self._port(cfg, inst, target)
        if port is not None:
            there = there.replace(migration_port=seen[port])
        attempt, settle = driver.migrate(here, there, live=self._live(here.params))
        return Plan(
            attempt=(*_disks.share(cfg, disks, source, target), *_life.plug(there), *attempt),
            pivot=_move.settle_home(cfg, inst, target),
            settle=(*settle, *_life.unplug(here), *_disks.unshare(cfg, disks, source, target)),
            notes=(f"{inst.name} moves from {source.name} to {target.name}",
                   *_move.notes(cfg, inst, target, seen)),
        )

    def checked(self, cfg: Config) -> Instance:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        if not isinstance(hypervisor(inst.hypervisor), Migratable):
            raise Conflict(f"guests of {inst.hypervisor} cannot be migrated",
                           hint=f"gnt-instance failover {inst.name}")
        if self.cleanup:
            return inst
        if inherit.backend(cfg, inst).always_failover:
            raise Conflict(f"{inst.name} is to be failed over, never migrated (always_failover)",
                           hint=f"gnt-instance failover {inst.name}")
        _move.require_reachable(cfg, inst)
        return inst

    def _port(self, cfg: Config, inst: Instance, node: Node) -> Call[int] | None:
        driver = hypervisor(inst.hypervisor)
        assert isinstance(driver, Migratable)
        return driver.incoming_port(_guest.guest(cfg, inst, node))

    def _live(self, params: Any) -> bool:
        mode = "non-live" if self.non_live else self.migration_mode
        return (mode or getattr(params, "migration_mode", "live")) == "live"

    def _memory(self, cfg: Config, inst: Instance) -> int:
        be = inherit.backend(cfg, inst)
        return be.minmem if self.runtime_changes else be.maxmem

