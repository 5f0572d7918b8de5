"""``session.contexts``: the clusters this user knows (``spec.Contexts``)."""

from __future__ import annotations

from gnt.errors import Conflict, NodeFailed, NotAuthorised
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gnt.config.context import Context
    from gnt.model.objects import Node
    from gnt.session import Session

_SIGNERS = """\
for key in /var/lib/gnt/keys/signer.pub; do
  [ ! -e "$key" ] || cat "$key"
done
"""


@node_task(deadline=15)
def signer_of() -> Script[str]:
    """The public key that the host signs with."""
    return script(_SIGNERS, parse=lambda output: " ".join(output.split()[:2]))


class Known:
    """Contexts of this user."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def known(self) -> list[Mapping[str, Any]]:
        from gnt.config import context as contexts
        from gnt.config.signature import fingerprint

        current = contexts.current()
        found = [contexts.load(name) for name in contexts.names()]
        return [
            {"name": one.name, "current": one.name == current,
             "master": one.nodes[0].name if one.nodes else "",
             "signers": [fingerprint(key) for key in one.signers]}
            for one in found
        ]

    def use(self, name: str) -> None:
        from gnt.config.context import use

        use(name)

    def join(
        self, name: str, host: str, port: int, signer: str, host_key: str,
    ) -> tuple[str, ...]:
        """Pin the host's key, then the signer; read and verify; keep the context.

        The signer to believe is the host's own unless one is named by its fingerprint.  Whoever
        compares both fingerprints with another admin needs to trust neither network nor host.
        """
        from gnt.config import context as contexts

        contexts.require_unknown(name)
        node = self._met(host, port, host_key)
        context = contexts.fresh(name).replace(nodes=(node,))
        self.session.begin(context)
        self.session.know((node,))
        public = self._signer(node, signer)
        context = context.replace(signers=(public,))
        self.session.begin(context)
        cfg = self.session.config()
        if not cfg.signers:
            raise NotAuthorised(f"the cluster of {host} has no signers")
        contexts.save(self.session.context)
        return (f"cluster {cfg.cluster.cluster_name} is known as {name}; "
                f"its master is {cfg.master.name}", *self._own_keys(context, cfg.signers))

    def _met(self, host: str, port: int, wanted: str) -> Node:
        from gnt.model.objects import Node
        from gnt.ssh.hostkeys import fingerprint

        address, keys = self.session.scan(host, port)
        shown = {fingerprint(key): key for key in keys}
        if wanted:
            if wanted not in shown:
                raise Conflict(f"{host} does not have the host key {wanted} "
                               f"(it shows {', '.join(shown) or 'none'})")
            keys = (shown[wanted],)
        else:
            lines = "".join(f"\n    {key.split(' ')[0]} {print_}" for print_, key in shown.items())
            self.session.confirm(f"{host} ({address}) shows these host keys:{lines}\nAre they its?")
        ports = {"ssh_port": port} if port != 22 else {}
        return Node(uuid="-", name=host, primary_ip=address, secondary_ip=address, group="-",
                    host_keys=keys, ndparams=ports)

    def _signer(self, node: Node, wanted: str) -> str:
        from gnt.config.signature import fingerprint

        call = signer_of.on(node.name)
        found = self.session.ask((call,))[call]
        if not found:
            raise NodeFailed(node.name, "failed", "it is no node of a cluster",
                             hint="name the master or another candidate")
        if not wanted:
            self.session.confirm(f"The cluster of {node.name} is signed by\n"
                                 f"    {fingerprint(found)}\nDo you believe this signer?")
        elif wanted not in (found, fingerprint(found)):
            raise NotAuthorised(f"{node.name} signs with {fingerprint(found)}, not with {wanted}")
        return found

    def _own_keys(self, context: Context, signers: Any) -> tuple[str, ...]:
        """What this user still needs to be let do."""
        public = self.session.signing().public
        if any(signer.key == public for signer in signers):
            return ()
        return ("to change the cluster, let another admin type:",
                f"    gnt-cluster signer add {self.session.who} '{public}'")
