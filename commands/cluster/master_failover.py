"""gnt-cluster master-failover."""

from __future__ import annotations

from gnt.commands.cluster import _master_ip
from gnt.commands.cluster.activate_master_ip import ActivateMasterIp
from gnt.errors import ConfirmationNeeded, Conflict
from gnt.spec import Action, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.spec import Session


class MasterFailover(Action, command="cluster master-failover"):
    """Make another master candidate the master.

    Run it on that candidate, or name it with --to.  A majority of the candidates must answer: of
    what they hold the newest is taken, the term is raised, and every node that is reached refuses
    the old master from then on.  Running instances do not notice.  The master's address, where
    there is one, moves along.

    --no-voting is for a majority that is lost for good.  Whatever only the others knew is lost
    then, and if they come back there are two histories; that it was done is signed into this one.
    """

    examples = (
        ("gnt-cluster master-failover --to node2", "from an admin's machine"),
        ("gnt-cluster master-failover", "on the candidate that becomes the master"),
    )

    to: str = opt(TEXT, "candidate that becomes the master (default: this host)", default="",
                  metavar="NODE")
    voting: bool = opt(BOOL, "ask for a majority; without it changes that only the others know of "
                       "are lost, and two masters are possible", default=True)
    yes_do_it: bool = opt(BOOL, "do not ask about --no-voting", default=False)
    ignore_offline_nodes: bool = opt(BOOL, "do not count candidates that are marked offline",
                                     default=False)

    def run(self, session: Session) -> int:
        cfg = session.known()
        node = self._target(cfg)
        if not self.voting and not self.yes_do_it:
            raise ConfirmationNeeded(
                "without voting, what only the other candidates hold is lost, and the old master "
                "may go on by itself", hint="gnt-cluster master-failover --no-voting --yes-do-it")
        session.take_over(node, voting=self.voting, ignore_offline=self.ignore_offline_nodes)
        session.tell(f"{node.name} is the master now")
        self._move_address(session, cfg, node)
        return 0

    def _move_address(self, session: Session, cfg: Config, node: Node) -> None:
        """A job of its own, so that it can be repeated; without a majority there are no jobs."""
        if not _master_ip.configured(cfg.cluster):
            return
        if self.voting:
            session.execute(ActivateMasterIp())
        else:
            call = _master_ip.raised(cfg.cluster, node.name)
            session.ask((call,))[call]

    def _target(self, cfg: Config) -> Node:
        import os

        node = cfg.node(self.to or os.uname().nodename)
        if node.uuid == cfg.cluster.master_node:
            raise Conflict(f"{node.name} is the master already", hint="--to another candidate")
        if not node.master_candidate:
            names = ", ".join(other.name for other in cfg.candidates
                              if other.uuid != cfg.cluster.master_node)
            raise Conflict(f"{node.name} is no master candidate (they are: {names or 'none'})",
                           hint=f"gnt-node modify -C yes {node.name}")
        return node
