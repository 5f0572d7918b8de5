"""gnt-cluster config verify."""

from __future__ import annotations

from gnt.commands.cluster import _copies
from gnt.errors import Damaged
from gnt.spec import Action, Document, arg, opts
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigVerify(Action, command="cluster config verify"):
    """Check every signature and every link of the history, of the cluster or of an exported folder.

    Each transaction must be signed by somebody who was a signer before it; each master candidate
    must hold these bytes and no others.  A folder is checked offline, also its objects; say with
    --signer whom you believe, else the first signer is taken.
    """

    examples = (
        ("gnt-cluster config verify", "the cluster's history, as far as the candidates keep it"),
        ("gnt-cluster config verify /root/audit --signer SHA256:…", "an export, without a cluster"),
    )

    folder: str = arg(TEXT, "exported folder (default: the cluster)", default="", complete="file")
    signer: tuple[str, ...] = opts(TEXT, "fingerprint of a signer to believe", metavar="SHA256:…")

    def run(self, session: Session) -> int:
        found = session.ledger.verify(self.folder, self.signer)
        content = {
            "cluster": found["cluster"],
            "head": f"serial {found['serial']} of term {found['term']}, {found['head']}",
            "checked": f"{found['records']} transactions, {found['bases']} bases",
            "first signer": list(found["root"]),
            "signers now": list(found["signers"]),
        }
        if self.folder:
            session.show(Document(content=content))
            return 0
        wrong, silent = _copies.wrong(session)
        same = "the same" if not wrong and not silent else "the same but for those named"
        session.show(Document(content={**content, "candidates": same}, problems=silent))
        if wrong:
            raise Damaged("\n".join(wrong), hint="gnt-cluster redist-conf gives candidates all "
                          "anew; if it is the master: gnt-cluster master-failover --to NODE first")
        return 1 if silent else 0
