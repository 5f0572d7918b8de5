"""gnt-instance startup."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _guest, _life, _place, _wish
from gnt.commands.instance._select import Several
from gnt.errors import Conflict
from gnt.model import inherit
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL, PAIRS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.record import Record
    from gnt.spec import Seen


class Startup(Several, command="instance startup"):
    """Start instances.

    An instance that runs already stays as it is.  The node says first what it can do; the machine
    type and the accelerator that are used are kept with the instance, so that it can migrate.
    """

    hook = "instance-start"
    rapi = "PUT /2/instances/{name}/startup"
    examples = (
        ("gnt-instance startup web", "one instance"),
        ("gnt-instance startup --primary node2", "every instance whose home is node2"),
        ("gnt-instance startup -B memory=4g web", "with more memory, this time only"),
    )

    hypervisor_parameters: Mapping[str, str] = opt(
        PAIRS, "hypervisor parameters for this start only", default={}, short="-H")
    backend_parameters: Mapping[str, str] = opt(
        PAIRS, "backend parameters for this start only", default={}, short="-B")
    ignore_offline: bool = opt(BOOL, "when its node is offline, only record that it should run",
                               default=False)
    remember: bool = opt(BOOL, "record that it should run", default=True)
    paused: bool = opt(BOOL, "stop before the first instruction; continue on the console",
                       default=False)
    force: bool = opt(BOOL, "also when its state is offline", default=False, short="-f")

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst, params = self._checked(cfg)
        node = _life.home(cfg, inst)
        yield from _life.ask_all(cfg, inst)
        if not node.offline:
            yield from _place.needs(cfg, inst, cfg.one(Group, node.group), params).ask(cfg, node)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst, params = self._checked(cfg)
        node = _life.home(cfg, inst)
        if node.offline and self.ignore_offline:
            return Plan(end=(change(inst, admin_state="up", admin_state_source="admin"),),
                        notes=(f"{node.name} is offline: {inst.name} is not started",))
        _life.require_online(node, inst)
        if _life.runs_on(inst, node, seen):
            return Plan(end=self._end(inst, inst.runtime), notes=(f"{inst.name} runs already",))
        unseen = _life.require_nowhere_else(cfg, inst, seen)
        needs = _place.needs(cfg, inst, cfg.one(Group, node.group), params)
        _place.require(cfg, seen, node, needs, self._memory(cfg, inst), inst.name)
        runtime = seen[needs.capable(node)].runtime
        guest = _guest.guest(cfg, self._once(inst).replace(runtime=dict(runtime)), node,
                             params=params).replace(paused=self.paused)
        return Plan(attempt=tuple(_life.up(cfg, inst, guest, cfg.disks(inst), node)),
                    end=self._end(inst, runtime), notes=(*unseen, *needs.notes(node, seen)))

    def _checked(self, cfg: Config) -> tuple[Instance, Record]:
        """The instance and its hypervisor parameters for this start."""
        inst = self.subject(cfg)
        _life.require_made(inst)
        if inst.admin_state == "offline" and not self.force:
            raise Conflict(f"instance {inst.name} is marked offline: it is not to be started",
                           hint=f"gnt-instance modify --online {inst.name}")
        once = _wish.hv_level(inst.hypervisor, self.hypervisor_parameters)
        return inst, _guest.hv_params(cfg, inst, once)

    def _once(self, inst: Instance) -> Instance:
        typed = inherit.parse_backend(self.backend_parameters)
        return inst.replace(beparams=inherit.overlay(inst.beparams, typed))

    def _memory(self, cfg: Config, inst: Instance) -> int:
        return inherit.backend(cfg, self._once(inst)).maxmem

    def _end(self, inst: Instance, runtime: Mapping[str, Any]) -> tuple[Any, ...]:
        wanted = {"admin_state": "up", "admin_state_source": "admin"} if self.remember else {}
        return (change(inst, runtime=dict(runtime), disks_active=True, **wanted),)
