"""gnt-cluster sign."""

from __future__ import annotations

from gnt.spec import Action, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Sign(Action, command="cluster sign"):
    """Agree to a change that needs several signers.

    The file comes from whoever wants the change: the command with --consent FILE made it.  It says
    what would be changed; give it back to them when you have signed it.
    """

    examples = (("gnt-cluster sign remove-bob.consent", "shows what it is and asks"),)

    file: str = arg(TEXT, "the file made by --consent", complete="file")

    def run(self, session: Session) -> int:
        session.tell(session.ledger.sign(self.file, session.confirm))
        return 0
