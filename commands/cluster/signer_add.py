"""gnt-cluster signer add."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands._edits import put
from gnt.commands.cluster._signer import (
    LOGIN_KEY,
    PUBLIC_KEY,
    SIGNER_NAME,
    UNTIL,
    require_lasting,
)
from gnt.commands.cluster._signer_keys import SignerKeys
from gnt.errors import Conflict
from gnt.model.objects import Signer
from gnt.plan import Plan
from gnt.spec import arg, opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class SignerAdd(SignerKeys, command="cluster signer add"):
    """Let another admin in: their key signs changes of this cluster and logs in to its nodes.

    Whoever may sign may do everything.  Only Ed25519 keys sign; the private half stays with its
    owner, in a file or in ssh-agent.  gnt-context join, typed by them, prints the line to type
    here, and goes on when it is typed once more.
    """

    examples = (("gnt-cluster signer add alice@laptop ~/alice.pub", "with a key from a file"),
                ("gnt-cluster signer add bob 'ssh-ed25519 AAAA…'", "with a key as text"),
                ("gnt-cluster signer add --login-key bob-rsa.pub bob bob.pub",
                 "bob logs in with another key as well"))

    name: str = arg(SIGNER_NAME, "how the history will name them")
    key: str = arg(PUBLIC_KEY, "public key, or the file that holds it", complete="file")
    login: bool = opt(BOOL, "let the key log in to the nodes, too", default=True)
    login_key: tuple[str, ...] = opts(LOGIN_KEY, "another key that may log in, of any kind",
                                      metavar="KEY")
    valid_until: int = opt(UNTIL, "when the right to sign ends: YYYY-MM-DD, or never", default=0)
    comment: str = opt(TEXT, "a remark", default="")

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        for known in cfg.signers:
            if known.name.casefold() == self.name.casefold():
                raise Conflict(f"there is a signer {known.name} already",
                               hint="gnt-cluster signer list; choose another name")
            if known.key == self.key:
                raise Conflict(f"this key is the signer {known.name} already")
        new = Signer(name=self.name, key=self.key, comment=self.comment,
                     valid_until=self.valid_until)
        require_lasting(cfg, new)
        told, recorded = self.logins(cfg, seen)
        return Plan(attempt=told, end=(put(new), *recorded))

    def login_keys(self, cfg: Config) -> tuple[str, ...]:
        """Those of this signer have its name as their comment."""
        keys = cfg.cluster.login_keys
        for key in (*((self.key,) if self.login else ()), *self.login_key):
            if _access.plain(key) not in {_access.plain(known) for known in keys}:
                keys = (*keys, f"{_access.plain(key)} {self.name}")
        return keys
