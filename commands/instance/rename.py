"""gnt-instance rename."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.instance import _life, _wish
from gnt.commands.instance._select import One
from gnt.plan import Plan
from gnt.spec import Holds, arg, opt
from gnt.values import BOOL, HOSTNAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Seen


class Rename(One, command="instance rename"):
    """Give an instance that is down another name.

    Its disks keep the place they have, which may be named after the old name.
    """

    hook = "instance-rename"
    rapi = "PUT /2/instances/{name}/rename"
    examples = (("gnt-instance rename web www.example.com", "it must be down"),)

    new_name: str = arg(HOSTNAME, "its new name")
    ip_check: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)
    name_check: bool = opt(BOOL, "accepted and without effect", default=False, hidden=True)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"instances/{cfg.instance(self.name).uuid}",))

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        return _life.ask(cfg, cfg.instance(self.name))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        _life.require_down(inst, "renaming")
        node = _life.home(cfg, inst)
        _life.require_online(node, inst)
        _life.require_ended(inst, node, seen)
        _wish.require_new_name(cfg, self.new_name)
        return Plan(end=(change(inst, name=self.new_name),),
                    notes=(f"{inst.name} becomes {self.new_name}",))
