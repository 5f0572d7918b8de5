"""gnt-context use."""

from __future__ import annotations

from gnt.spec import Action, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Use(Action, command="context use"):
    """Let commands without --cluster talk to this cluster.

    GNT_CLUSTER in the environment goes before it, --cluster before both.
    """

    examples = (("gnt-context use production", "from now on, on this machine"),)

    name: str = arg(TEXT, "name of a context")

    def run(self, session: Session) -> int:
        session.contexts.use(self.name)
        session.tell(f"commands without --cluster now talk to {self.name}")
        return 0
