"""gnt-context use."""

from __future__ import annotations

from gnt.commands.cluster._signer import read_key
from gnt.spec import Action, arg, opt
from gnt.values import TEXT, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


def _signing_key(text: str) -> str:
    from os.path import abspath

    return read_key(text) if text.startswith("ssh-") or text.endswith(".pub") else abspath(text)


SIGNING_KEY: Kind[str] = Kind(_signing_key, "KEY", "a key, or a file with one", complete="file")


class Use(Action, command="context use"):
    """Let commands without --cluster talk to this cluster.

    GNT_CLUSTER in the environment goes before it, --cluster before both.  Changes are signed with
    ~/.ssh/id_ed25519, by ssh-agent if that has a passphrase, or with a key that gnt made; another
    one is named by --signing-key.
    """

    examples = (("gnt-context use production", "from now on, on this machine"),
                ("gnt-context use --signing-key ~/.ssh/audit.pub production",
                 "sign with this key, which ssh-agent holds"))

    name: str = arg(TEXT, "name of a context")
    signing_key: str = opt(SIGNING_KEY, "sign changes with this key: the file of a private one, or "
                           "the public one of a key that ssh-agent holds", default="",
                           metavar="KEY")

    def run(self, session: Session) -> int:
        session.contexts.use(self.name, self.signing_key)
        session.tell(f"commands without --cluster now talk to {self.name}")
        return 0
