"""gnt-cluster signer remove."""

from __future__ import annotations

from gnt.commands._edits import path
from gnt.commands.cluster._signer import SIGNER_NAME, signer
from gnt.errors import Conflict
from gnt.plan import Edit, Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen, Session


class SignerRemove(Operation, command="cluster signer remove"):
    """Take the right to sign changes away.

    What they signed stays valid history.  The last signer cannot be removed; oneself only with
    --force.  Login keys are another matter: see gnt-cluster modify.
    """

    examples = (("gnt-cluster signer remove alice@laptop", "alice can sign no more"),)

    name: str = arg(SIGNER_NAME, "signer")
    force: bool = opt(BOOL, "also oneself", default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        found = signer(session.config(), self.name)
        if found.key == session.ledger.own_key() and not self.force:
            raise Conflict(f"{self.name} is you: afterwards you could change nothing",
                           hint=f"gnt-cluster signer remove --force {self.name}")
        return (self,)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"signers/{self.name}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        found = signer(cfg, self.name)
        if len(cfg.signers) == 1:
            raise Conflict(f"{self.name} is the only signer: nobody could change the cluster",
                           hint="gnt-cluster signer add NAME KEY, first")
        return Plan(end=(Edit(path=path(found)),))
