"""``session.contexts``: the clusters this user knows (``spec.Contexts``)."""

from __future__ import annotations

from gnt.errors import Conflict, NodeFailed, NotAuthorised
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from gnt.config.context import Context
    from gnt.model.objects import Node
    from gnt.session import Session

_BASE_SIGNATURE = """\
newest=0
for base in /var/lib/gnt/config/base-*.toml; do
  number=${base##*-}
  number=${number%.toml}
  case $number in *[!0-9]*) continue ;; esac
  [ "$number" -le "$newest" ] || newest=$number
done
[ "$newest" = 0 ] || tail -n 1 "/var/lib/gnt/config/base-$newest.toml"
"""


@node_task(deadline=15)
def base_signature() -> Script[str]:
    """The signature of the newest base that the host holds; empty when it holds none."""
    return script(_BASE_SIGNATURE, parse=_signature)


def _signature(line: str) -> str:
    if not line:
        return ""
    name, equals, quoted = line.strip().partition(" = ")
    if name != "sig" or not equals:
        raise ValueError("the configuration does not end with a signature")
    return quoted.strip('"')


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

    def use(self, name: str, signing_key: str = "") -> None:
        from gnt.config.context import use

        if signing_key:
            from gnt.session.signing import signing

            signing(signing_key)  # refuses what cannot sign
        use(name, signing_key)

    def join(
        self, name: str, host: str, port: int, signers: Sequence[str], host_key: str,
    ) -> tuple[str, ...]:
        """Pin the host's key, then who signed the newest base; read, verify, keep the context.

        Whoever compares both fingerprints with another admin's needs to trust neither the network
        nor the host.
        """
        from gnt.config import context as contexts

        contexts.require_unknown(name)
        node = self._met(host, port, host_key)
        context = contexts.fresh(name).replace(nodes=(node,))
        self.session.begin(context)
        self.session.know((node,))
        public = self._let_in(name, lambda: self._signer(node, signers))
        context = context.replace(signers=(public,))
        self.session.begin(context)
        cfg = self.session.config()
        if not cfg.signers:
            raise NotAuthorised(f"the cluster of {host} has no signers")
        contexts.save(self.session.context)
        return (f"cluster {cfg.cluster.cluster_name} is known as {name}; "
                f"its master is {cfg.master.name}", *self._own_keys(context, cfg.signers))

    def _let_in(self, name: str, ask: Callable[[], str]) -> str:
        """The first answer from the cluster; what to do when it does not know us yet."""
        try:
            return ask()
        except NodeFailed as failure:
            if failure.kind != "denied":
                raise
            raise NotAuthorised(
                f"{failure.node} does not let you in yet",
                hint=f"let an admin of the cluster type: {self._wanted()}\n"
                     f"then this command again: gnt-context join {name} …") from None

    def _wanted(self) -> str:
        return f"gnt-cluster signer add {self.session.who} '{self.session.signing().public}'"

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

    def _signer(self, node: Node, wanted: Sequence[str]) -> str:
        from gnt.config.signature import fingerprint, take_apart

        call = base_signature.on(node.name)
        found = self.session.ask((call,))[call]
        if not found:
            raise NodeFailed(node.name, "failed", "it holds no configuration of a cluster",
                             hint="name the master or another master candidate")
        key = take_apart(found, f"{node.name}: the newest base").public
        shown = fingerprint(key)
        if not wanted:
            self.session.confirm(f"The configuration on {node.name} is signed by\n    {shown}\n"
                                 "Do you believe this signer?")
        elif not {key, shown} & set(wanted):
            raise NotAuthorised(f"what {node.name} holds is signed by {shown}, not by "
                                f"{' or '.join(wanted)}",
                                hint="ask another admin for: gnt-cluster signer list")
        return key

    def _own_keys(self, context: Context, signers: Any) -> tuple[str, ...]:
        """What this user still needs to be let do."""
        public = self.session.signing().public
        if any(signer.key == public for signer in signers):
            return ()
        return ("to change the cluster, let another admin type:", f"    {self._wanted()}")
