"""gnt-context join."""

from __future__ import annotations

from gnt.spec import Action, arg, opt, opts
from gnt.values import HOSTNAME, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Join(Action, command="context join"):
    """Get to know a cluster that is there already, from one of its master candidates.

    The host's SSH key and the key that signs the configuration are shown; compare them with what
    another admin sees in gnt-context list before you say yes.  From then on everything that comes
    from the cluster is verified against them.  Unless the cluster lets you in already, the line
    for another admin to type is printed; after that type the same here once more.
    """

    examples = (
        ("gnt-context join production node1.example.com", "compare, then say yes twice"),
        ("gnt-context join production node1 --ssh-host-key SHA256:x8Vq… --signer SHA256:Zk3n…",
         "without questions"),
    )

    name: str = arg(TEXT, "how you want to call the cluster")
    host: str = arg(HOSTNAME, "a master candidate")
    ssh_port: int = opt(whole(1, 65535), "where its sshd listens", default=22)
    ssh_host_key: str = opt(TEXT, "fingerprint of its host key", default="", metavar="SHA256:…")
    signer: tuple[str, ...] = opts(TEXT, "fingerprint of a key that may have signed its newest "
                                   "configuration", metavar="SHA256:…")

    def run(self, session: Session) -> int:
        for line in session.contexts.join(
            self.name, self.host, self.ssh_port, self.signer, self.ssh_host_key
        ):
            session.tell(line)
        return 0
