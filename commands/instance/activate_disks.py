"""gnt-instance activate-disks."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _disks, _life
from gnt.commands.instance._select import One
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class ActivateDisks(One, command="instance activate-disks"):
    """Make an instance's disks usable on its node, without starting it."""

    rapi = "PUT /2/instances/{name}/activate-disks"
    examples = (("gnt-instance activate-disks db", "to look into a stopped instance's disks"),)

    ignore_size: bool = opt(BOOL, "also when a disk's size is not the recorded one", default=False)
    wait_for_sync: bool = opt(BOOL, "wait until mirrored disks are in step", default=False)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        disks = cfg.disks(inst)
        wait = _disks.wait(cfg, disks, node, need=True) if self.wait_for_sync else ()
        return Plan(attempt=tuple(_disks.activate(cfg, disks, node)), settle=tuple(wait),
                    end=(change(inst, disks_active=True),))
