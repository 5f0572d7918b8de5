"""gnt-cluster config export."""

from __future__ import annotations

from gnt.spec import Action, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ConfigExport(Action, command="cluster config export"):
    """Write the configuration and its whole history to a folder that anyone can read and check.

    One TOML file for each object, and each transaction with its signature.  Its README and
    gnt-cluster(8) say how to check it with ssh-keygen alone.
    """

    examples = (("gnt-cluster config export /root/audit", "a new folder, for auditors"),)

    folder: str = arg(TEXT, "new folder", complete="file")

    def run(self, session: Session) -> int:
        count = session.ledger.export(self.folder)
        session.tell(f"{count} files written; check them with: "
                     f"gnt-cluster config verify {self.folder}")
        return 0
