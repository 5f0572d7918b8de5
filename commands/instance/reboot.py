"""gnt-instance reboot."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _guest, _life, _place
from gnt.commands.instance._select import Several
from gnt.errors import Conflict
from gnt.hypervisor.base import hypervisor
from gnt.model.objects import Group
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL, DURATION, choice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.hypervisor.base import Guest
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call, Step
    from gnt.spec import Seen


class Reboot(Several, command="instance reboot"):
    """Reboot instances.

    soft: the guest restarts in the process that runs it.  hard: that process is ended and started
    again, with new parameters.  full: its disks and NICs are let go and taken again, too.  An
    instance that is not running is started.
    """

    hook = "instance-reboot"
    rapi = "POST /2/instances/{name}/reboot"
    examples = (
        ("gnt-instance reboot web", "end its process and start it again"),
        ("gnt-instance reboot -t soft web", "press its reset button"),
    )

    type: str = opt(choice("soft", "hard", "full"), "how far it goes down", default="hard",
                    short="-t")
    shutdown_timeout: int = opt(DURATION, "how long shutting down may take (hard, full)",
                                default=_life.TIMEOUT)
    ignore_secondaries: bool = opt(BOOL, "go on when a secondary node does not answer",
                                   default=False)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst = self.subject(cfg)
        node = _life.home(cfg, inst)
        yield from _life.ask_all(cfg, inst)
        if not node.offline:
            yield self._needs(cfg, inst, node).capable(node)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = self.subject(cfg)
        _life.require_made(inst)
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        if inst.admin_state == "offline":
            raise Conflict(f"instance {inst.name} is marked offline",
                           hint=f"gnt-instance modify --online {inst.name}")
        unseen = _life.require_nowhere_else(cfg, inst, seen)
        capable = seen[self._needs(cfg, inst, node).capable(node)]
        runs = _life.runs_on(inst, node, seen)
        if self.type == "soft" and runs:
            driver = hypervisor(inst.hypervisor)
            return Plan(settle=tuple(driver.reboot(_guest.guest(cfg, inst, node))))
        fresh = _guest.guest(cfg, inst.replace(runtime=dict(capable.runtime)), node)
        done = change(inst, admin_state="up", admin_state_source="admin", disks_active=True,
                      runtime=dict(capable.runtime))
        if not runs:
            return Plan(attempt=tuple(_life.up(cfg, inst, fresh, cfg.disks(inst), node)),
                        end=(done,), notes=(*unseen, f"{inst.name} is not running: it is started"))
        return Plan(settle=tuple(self._again(cfg, inst, node, fresh)), end=(done,))

    def _again(self, cfg: Config, inst: Instance, node: Node, fresh: Guest) -> Iterator[Step]:
        old = _guest.guest(cfg, inst, node)
        disks = cfg.disks(inst)
        driver = hypervisor(inst.hypervisor)
        if self.type == "full":
            yield from _life.down(cfg, inst, old, disks, node, self.shutdown_timeout)
            yield from _life.up(cfg, inst, fresh, disks, node)
        else:
            yield from driver.stop(old, self.shutdown_timeout)
            yield from driver.start(fresh)

    def _needs(self, cfg: Config, inst: Instance, node: Node) -> _place.Needs:
        return _place.needs(cfg, inst, cfg.one(Group, node.group), _guest.hv_params(cfg, inst))
