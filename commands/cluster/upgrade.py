"""gnt-cluster upgrade."""

from __future__ import annotations

from gnt.spec import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Upgrade(Action, command="cluster upgrade"):
    """Bring the configuration to the form that this version writes.

    Nothing of gnt is installed on nodes, so there is nothing else to upgrade: install the new
    version where you type commands, then type this once.  It is one signed change; what was before
    stays in the history.  An older version refuses to change a configuration in a newer form, so
    upgrade the other admins' machines first.  Not while jobs are pending.
    """

    examples = (("gnt-cluster upgrade", "says which form the configuration has then"),)

    def run(self, session: Session) -> int:
        session.tell(session.upgrade())
        return 0
