"""gnt-cluster destroy."""

from __future__ import annotations

from gnt.commands.node import _setup
from gnt.errors import ConfirmationNeeded, Conflict
from gnt.spec import Action, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Destroy(Action, command="cluster destroy"):
    """Destroy the cluster: its keys and its configuration are taken away from every node.

    No instance and no other node may be left, and --yes-do-it must be given.
    """

    examples = (("gnt-cluster destroy --yes-do-it", "there is no way back"),)

    yes_do_it: bool = opt(BOOL, "yes, destroy it", default=False, aliases=("ya-rly",))

    def run(self, session: Session) -> int:
        cfg = session.config()
        name = cfg.cluster.cluster_name
        if not self.yes_do_it:
            raise ConfirmationNeeded(f"destroying cluster {name} cannot be undone",
                                     hint="gnt-cluster destroy --yes-do-it")
        if cfg.instances:
            raise Conflict(f"there are {len(cfg.instances)} instances left",
                           hint="gnt-instance list -o name, then gnt-instance remove each")
        others = [node.name for node in cfg.nodes if node.uuid != cfg.cluster.master_node]
        if others:
            raise Conflict(f"there are other nodes than the master: {', '.join(others[:5])}",
                           hint="gnt-node remove each of them")
        if cfg.jobs:
            raise Conflict(f"{len(cfg.jobs)} jobs are not finished", hint="gnt-job list")
        # several signers may have to agree to what the history names so
        session.ledger.record(f"{self.noun} {self.verb}", f"cluster {name} is destroyed")
        forget = _setup.forget.on(cfg.master.name)
        session.ask((forget,))[forget]
        session.forget()
        session.tell(f"cluster {name} is destroyed")
        return 0
