"""gnt-cluster signer remove."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands._edits import path
from gnt.commands.cluster._signer import SIGNER_NAME, signer
from gnt.commands.cluster._signer_keys import SignerKeys
from gnt.errors import Conflict
from gnt.plan import Edit, Plan
from gnt.spec import Operation, arg, opt
from gnt.values import BOOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen, Session


class SignerRemove(SignerKeys, command="cluster signer remove"):
    """Take the right to sign changes away, and the keys that log in to nodes.

    What they signed stays valid history.  The last signer cannot be removed; oneself only with
    --force.  Keys that were put on nodes by hand stay: gnt-cluster verify lists them.
    """

    examples = (("gnt-cluster signer remove alice@laptop", "alice can sign no more"),)

    name: str = arg(SIGNER_NAME, "signer")
    force: bool = opt(BOOL, "also oneself", default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        found = signer(session.config(), self.name)
        own = found.key == session.ledger.own_key()
        if own and session.config().cluster.hardened:
            raise Conflict(f"{self.name} is you: the nodes could not be told any more",
                           hint="let another signer do it")
        if own and not self.force:
            raise Conflict(f"{self.name} is you: afterwards you could change nothing",
                           hint=f"gnt-cluster signer remove --force {self.name}")
        return (self,)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        found = signer(cfg, self.name)
        people = [one for one in cfg.signers if one.comment != "node" and one != found]
        if len(people) < cfg.cluster.signer_threshold > 1:
            raise Conflict(
                f"without {self.name} there would be {len(people)} signers who are people, where "
                f"{cfg.cluster.signer_threshold} must agree",
                hint="gnt-cluster signer add NAME KEY, or gnt-cluster signer threshold N, first")
        if len(cfg.signers) == 1:
            raise Conflict(f"{self.name} is the only signer: nobody could change the cluster",
                           hint="gnt-cluster signer add NAME KEY, first")
        told, recorded = self.logins(cfg, seen)
        return Plan(attempt=told, end=(Edit(path=path(found)), *recorded))

    def login_keys(self, cfg: Config) -> tuple[str, ...]:
        """Nodes' own keys are not a signer's."""
        found = signer(cfg, self.name)
        return tuple(
            key for key in cfg.cluster.login_keys
            if _access.owner_of(key) or not (
                _access.plain(key) == found.key or _access.comment_of(key) == found.name))
