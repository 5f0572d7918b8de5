"""gnt-node failover."""

from __future__ import annotations

from gnt.commands.node._every import Every
from gnt.spec import opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Failover(Every, command="node failover"):
    """Fail all instances of a node over to others, one after the other.

    Each goes where the cluster is balanced best.  A node that does not answer needs proof that
    nothing runs there, as for gnt-instance failover.
    """

    failover = True
    examples = (
        ("gnt-node failover -f node3", "node3 is marked offline, and without power"),
        ("gnt-node failover -f --i-have-powered-off node3 node3", "on your word"),
    )

    ignore_consistency: bool = opt(BOOL, "also when the copy on the target may not be whole",
                                   default=False)
    i_have_powered_off: tuple[str, ...] = opts(
        TEXT, "a node that is without power: nothing runs there, on your word", metavar="NODE")

    def options(self) -> dict[str, Any]:
        return {"ignore_consistency": self.ignore_consistency,
                "i_have_powered_off": self.i_have_powered_off}
