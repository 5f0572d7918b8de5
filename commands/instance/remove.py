"""gnt-instance remove."""

from __future__ import annotations

from gnt.commands._edits import change, drop
from gnt.commands.instance import _disks, _guest, _life
from gnt.commands.instance._select import One
from gnt.hypervisor.base import hypervisor
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL, DURATION

TYPE_CHECKING = False
if TYPE_CHECKING:

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance
    from gnt.plan import Step
    from gnt.spec import Seen


class Remove(One, command="instance remove"):
    """Shut an instance down and remove it, with its disks.  Its data is gone for good."""

    hook = "instance-remove"
    rapi = "DELETE /2/instances/{name}"
    examples = (
        ("gnt-instance remove web", "asks first"),
        ("gnt-instance remove -f --shutdown-timeout 0 web", "ends it at once, without asking"),
    )

    force: bool = opt(BOOL, "do not ask", default=False, short="-f")
    shutdown_timeout: int = opt(DURATION, "how long shutting down may take",
                                default=_life.TIMEOUT)
    ignore_failures: bool = opt(
        BOOL, "also when nodes that have its data are offline: it stays there", default=False)

    def confirm(self, cfg: Config) -> str:
        if self.force:
            return ""
        inst = cfg.instance(self.name)
        return (f"Remove instance {inst.name} and the data of its {len(inst.disks)} disks "
                "for good?")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = cfg.instance(self.name)
        disks = cfg.disks(inst)
        every = _disks.owned(cfg, inst)
        notes = self._unreachable(cfg, inst, every)
        steps: tuple[Step, ...] = ()
        node = _life.home(cfg, inst)
        if not node.offline:
            guest = _guest.guest(cfg, inst, node)
            steps = (*_life.down(cfg, inst, guest, disks, node, self.shutdown_timeout),
                     *hypervisor(inst.hypervisor).forget(guest))
        steps += tuple(step for step in _disks.remove(cfg, disks)
                       if not cfg.node(step.do.node).offline)
        return Plan(
            pivot=(change(inst, admin_state="down", forthcoming=True),),
            settle=steps,
            end=(drop(inst), *(drop(disk) for disk in every)),
            notes=notes,
        )

    def _unreachable(
        self, cfg: Config, inst: Instance, disks: list[Disk],
    ) -> tuple[str, ...]:
        """What is left where nobody can reach it; refused without --ignore-failures."""
        from gnt.model.objects import Node

        uuids = {inst.primary_node, *(uuid for disk in disks for uuid in disk.nodes)}
        away = [node for node in (cfg.one(Node, uuid) for uuid in sorted(uuids)) if node.offline]
        if away and not self.ignore_failures:
            _life.require_online(away[0], inst)
        return tuple(f"{node.name} is offline: what it has of {inst.name} stays there"
                     for node in away)
