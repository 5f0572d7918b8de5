"""gnt-cluster config cat."""

from __future__ import annotations

from gnt.spec import Action, Lines, arg, opt
from gnt.values import TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigCat(Action, command="cluster config cat"):
    """Show an object of the configuration, or what a section holds, now or earlier.

    Sections: cluster, groups, nodes, instances, disks, networks, filters, signers, jobs.
    """

    examples = (("gnt-cluster config cat cluster/cluster", "the cluster's own settings"),
                ("gnt-cluster config cat instances --at 42", "which instances there were then"))

    path: str = arg(TEXT, "SECTION or SECTION/KEY")
    at: int = opt(whole(1), "after this transaction (default: now)", default=0, metavar="SERIAL")

    def run(self, session: Session) -> int:
        session.show(Lines(lines=tuple(session.ledger.cat(self.path, self.at or None))))
        return 0
