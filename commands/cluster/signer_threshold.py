"""gnt-cluster signer threshold."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.errors import Conflict
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg
from gnt.values import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class SignerThreshold(Operation, command="cluster signer threshold"):
    """Set how many signers must agree to a dangerous change.

    Dangerous are changes of the signers, of this number, of --hardened, another master, and the end
    of the cluster.  Nodes that become master candidates do not become signers any more then.
    Whoever wants such a change gives the command with --consent FILE, lets others sign the file
    with gnt-cluster sign, and gives the same command once more.
    """

    examples = (("gnt-cluster signer threshold 2", "nobody can add a signer alone"),
                ("gnt-cluster signer threshold --consent one.consent 1", "as at first"))

    count: int = arg(whole(1, 50), "signers that must agree")

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=("cluster/cluster",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        people = [signer.name for signer in cfg.signers if signer.comment != "node"]
        if self.count > len(people):
            raise Conflict(
                f"there are {len(people)} signers who are people ({', '.join(people) or 'none'}): "
                f"{self.count} could never agree", hint="gnt-cluster signer add NAME KEY")
        if self.count == cfg.cluster.signer_threshold:
            raise Conflict(f"it is {self.count} already")
        return Plan(end=(change(cfg.cluster, signer_threshold=self.count),))
