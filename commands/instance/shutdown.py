"""gnt-instance shutdown."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _guest, _life
from gnt.commands.instance._select import Several
from gnt.plan import Plan
from gnt.spec import opt
from gnt.values import BOOL, DURATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class Shutdown(Several, command="instance shutdown"):
    """Shut instances down.

    The guest is asked to shut down; when it has not ended after the timeout, it is ended.
    """

    hook = "instance-stop"
    rapi = "PUT /2/instances/{name}/shutdown"
    examples = (
        ("gnt-instance shutdown web", "ask it, and wait up to two minutes"),
        ("gnt-instance shutdown --timeout 0 web", "end it at once"),
        ("gnt-instance shutdown --all --force-multiple", "every instance of the cluster"),
    )

    timeout: int = opt(DURATION, "how long it may take before it is ended", default=_life.TIMEOUT)
    ignore_offline: bool = opt(BOOL, "when its node is offline, only record that it is down",
                               default=False)
    remember: bool = opt(BOOL, "record that it should be down", default=True)
    force: bool = opt(BOOL, "also when it is down already", default=False, short="-f")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = self.subject(cfg)
        _life.require_made(inst)
        node = _life.home(cfg, inst)
        state = "offline" if inst.admin_state == "offline" else "down"
        wanted = {"admin_state": state, "admin_state_source": "admin"} if self.remember else {}
        record = change(inst, disks_active=False, **wanted)
        if node.offline and self.ignore_offline:
            return Plan(end=(record,), notes=(
                f"{node.name} is offline: nothing is stopped there, only the record is changed",))
        _life.require_online(node, inst)
        guest = _guest.guest(cfg, inst, node)
        return Plan(
            pivot=(change(inst, **wanted),) if wanted else (),
            settle=tuple(_life.down(cfg, inst, guest, cfg.disks(inst), node, self.timeout)),
            end=(record,),
        )
