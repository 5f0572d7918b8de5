"""``gnt-cluster version``."""

from __future__ import annotations

from gnt import __version__
from gnt.spec import Action, Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ClusterVersion(Action, command="cluster version"):
    """Show the version of gnt.

    Prints the version of this program, of the layout of its configuration and of the interfaces
    that scripts may rely on.  It needs no cluster.
    """

    examples = (("gnt-cluster version", "show what is installed on this machine"),)

    def run(self, session: Session) -> int:
        from gnt.model.objects import Cluster

        versions = {
            "software version": __version__,
            "configuration format": Cluster.DEFAULTS["schema"],
            "OS API version": 20,
            "instance export version": 0,
        }
        session.show(Lines(lines=tuple(f"{what}: {value}" for what, value in versions.items()),
                           data={what.replace(" ", "_"): v for what, v in versions.items()}))
        return 0
