"""gnt-cluster config verify."""

from __future__ import annotations

from gnt.spec import Action, Document, arg, opts
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigVerify(Action, command="cluster config verify"):
    """Check every signature and every link of the history, of the cluster or of an exported folder.

    Each transaction must be signed by somebody who was a signer before it.  A folder is checked
    offline, also its objects; say with --signer whom you believe, else the first signer is taken.
    """

    examples = (
        ("gnt-cluster config verify", "the cluster's history, as far as the candidates keep it"),
        ("gnt-cluster config verify /root/audit --signer SHA256:…", "an export, without a cluster"),
    )

    folder: str = arg(TEXT, "exported folder (default: the cluster)", default="", complete="file")
    signer: tuple[str, ...] = opts(TEXT, "fingerprint of a signer to believe", metavar="SHA256:…")

    def run(self, session: Session) -> int:
        found = session.ledger.verify(self.folder, self.signer)
        session.show(Document(content={
            "cluster": found["cluster"],
            "head": f"serial {found['serial']} of term {found['term']}, {found['head']}",
            "checked": f"{found['records']} transactions, {found['bases']} bases",
            "first signer": list(found["root"]),
            "signers now": list(found["signers"]),
        }))
        return 0
