"""gnt-cluster signer tell."""

from __future__ import annotations

from gnt.commands import _gate
from gnt.spec import Holds, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.plan import Plan
    from gnt.spec import Seen


class SignerTell(Operation, command="cluster signer tell"):
    """Tell the nodes of a hardened cluster whose orders count.

    Every change of the signers does this by itself, and whatever is done on a node later; it is for
    nodes that could not be reached then, and are not to wait.  Until then they obey whom they knew.
    """

    examples = (("gnt-cluster signer tell", "every online node"),)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/signers",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        return _gate.tell(cfg)
