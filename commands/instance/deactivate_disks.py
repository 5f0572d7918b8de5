"""gnt-instance deactivate-disks."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _disks, _life
from gnt.commands.instance._select import One
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Seen


class DeactivateDisks(One, command="instance deactivate-disks"):
    """Let go of the disks of an instance that is down."""

    rapi = "PUT /2/instances/{name}/deactivate-disks"
    examples = (("gnt-instance deactivate-disks db", "refused while it runs"),)

    force: bool = opt(BOOL, "also when it is meant to run (never while it does)", default=False,
                      short="-f")

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return _life.ask(cfg, cfg.instance(self.name))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        if not self.force:
            _life.require_down(inst, "letting go of its disks")
        if _life.runs_on(inst, node, seen):
            raise Conflict(f"{inst.name} runs on {node.name} and uses its disks",
                           hint=f"gnt-instance shutdown {inst.name}")
        return Plan(settle=tuple(_disks.deactivate(cfg, cfg.disks(inst), node)),
                    end=(change(inst, disks_active=False),))
