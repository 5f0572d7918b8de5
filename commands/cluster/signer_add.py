"""gnt-cluster signer add."""

from __future__ import annotations

from gnt.commands._edits import put
from gnt.commands.cluster._signer import PUBLIC_KEY, SIGNER_NAME
from gnt.errors import Conflict
from gnt.model.objects import Signer
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class SignerAdd(Operation, command="cluster signer add"):
    """Let somebody sign changes of this cluster.

    Whoever may sign may do everything.  Only Ed25519 keys sign; the private half stays with its
    owner, in a file or in ssh-agent.
    """

    examples = (("gnt-cluster signer add alice@laptop ~/alice.pub", "with a key from a file"),
                ("gnt-cluster signer add bob 'ssh-ed25519 AAAA…'", "with a key as text"))

    name: str = arg(SIGNER_NAME, "how the history will name them")
    key: str = arg(PUBLIC_KEY, "public key, or the file that holds it", complete="file")
    comment: str = opt(TEXT, "a remark", default="")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"signers/{self.name}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        for known in cfg.signers:
            if known.name == self.name:
                raise Conflict(f"there is a signer {self.name} already",
                               hint="gnt-cluster signer list; choose another name")
            if known.key == self.key:
                raise Conflict(f"this key is the signer {known.name} already")
        return Plan(end=(put(Signer(name=self.name, key=self.key, comment=self.comment)),))
