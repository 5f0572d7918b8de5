"""Moving all instances whose home a node is: what migrate and failover of nodes share."""

from __future__ import annotations

from gnt.commands import _allocator, _each, _evacuation
from gnt.spec import Action, arg, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from gnt.spec import Session


class Every(Action):
    """One job for each instance; the rest goes on when one fails."""

    jobs = True
    failover: ClassVar[bool] = False

    name: str = arg(TEXT, "node", complete="node")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def options(self) -> dict[str, Any]:
        """Options of the operation on each instance."""
        return {}

    def wanted(self) -> str:
        """The node that all go to; empty: the best one for each."""
        return ""

    def run(self, session: Session) -> int:
        cfg = session.config()
        node = cfg.node(self.name)
        target = cfg.node(wanted).name if (wanted := self.wanted()) else ""
        _allocator.require_alone(self.iallocator, target)
        here = [inst for inst in cfg.instances_on(node) if not inst.forthcoming]
        chosen = [inst for inst in here if self.failover or inst.admin_state == "up"]
        if not chosen:
            session.tell(f"there is nothing on {node.name} to move")
            return 0
        if not self.force:
            session.confirm(f"{self.verb} {', '.join(inst.name for inst in chosen)}?")
        options = {**self.options(), "iallocator": self.iallocator}
        return _each.perform(session, (
            _evacuation.one(inst.name, target, failover=self.failover, **options)
            for inst in chosen))
