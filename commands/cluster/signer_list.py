"""gnt-cluster signer list."""

from __future__ import annotations

from gnt.commands._show import stamp
from gnt.spec import Column, Query, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen

COLUMNS = (Column(name="name", title="Name"), Column(name="fingerprint", title="Fingerprint"),
           Column(name="added", title="Added"), Column(name="until", title="Until"),
           Column(name="comment", title="Comment"))


class SignerList(Query, command="cluster signer list"):
    """Show who may sign changes of this cluster."""

    tabular = True
    examples = (("gnt-cluster signer list", "names and fingerprints"),)

    def answer(self, cfg: Config, seen: Seen) -> Table:
        return Table(columns=COLUMNS, rows=tuple(
            (signer.name, _fingerprint(signer.key), stamp(signer.added),
             stamp(signer.valid_until) if signer.valid_until else "", signer.comment)
            for signer in cfg.signers))


def _fingerprint(key: str) -> str:
    """As ssh-keygen -l shows it."""
    import hashlib
    from binascii import a2b_base64, b2a_base64

    digest = hashlib.sha256(a2b_base64(key.split()[1])).digest()
    return "SHA256:" + b2a_base64(digest, newline=False).decode().rstrip("=")
