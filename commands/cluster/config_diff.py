"""gnt-cluster config diff."""

from __future__ import annotations

from gnt.spec import Action, Lines, arg
from gnt.values import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigDiff(Action, command="cluster config diff"):
    """Show what changed between two transactions, object by object."""

    examples = (("gnt-cluster config diff 40 42", "what 41 and 42 changed"),
                ("gnt-cluster config diff 40", "what changed since"))

    before: int = arg(whole(1), "serial of the older state")
    after: int = arg(whole(0), "serial of the newer state (default: now)", default=0)

    def run(self, session: Session) -> int:
        session.show(Lines(lines=tuple(session.ledger.diff(self.before, self.after or None))))
        return 0
