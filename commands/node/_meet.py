"""Meeting a host that is not a node yet: its address, its host keys, what is on it."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands.node import _setup
from gnt.errors import Conflict, NodeSetupFailed
from gnt.model.objects import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.commands.node._setup import Host
    from gnt.spec import Session

NOWHERE = "-"  # stands for a group or a uuid that does not exist yet


def meet(session: Session, host: str, port: int, wanted_key: str, *, check: bool) -> Node:
    """The host with its keys pinned: confirmed, or named by ``wanted_key`` (SHA256:… or the key).

    ``check`` false pins whatever is shown.
    """
    address, shown = session.scan(host, port)
    if not shown:
        raise NodeSetupFailed(f"{host} shows no host key that could be pinned",
                              hint="ssh-keygen -A on its console, then restart its sshd")
    keys = tuple(_access.plain(key) for key in shown)
    if wanted_key:
        keys = _access.chosen(shown, wanted_key, host)
    elif check:
        session.confirm(_access.question(host, address, keys))
    ports = {"ssh_port": port} if port != 22 else {}
    node = Node(uuid=NOWHERE, name=host, primary_ip=address, secondary_ip=address, group=NOWHERE,
                host_keys=keys, ndparams=ports)
    session.know((node,))
    return node


def look(session: Session, node: Node, *, secondary: str, again: bool) -> Host:
    """What is on the host; raises when it cannot become a node."""
    host = session.ask((_setup.inspect.on(node.name),))[_setup.inspect.on(node.name)]
    if host.missing:
        raise NodeSetupFailed(f"{node.name} lacks {', '.join(host.missing)}",
                              hint=f"ssh {node.name} apt-get install coreutils diffutils gawk "
                                   "iproute2 openssh-client util-linux")
    if host.member and not again:
        raise Conflict(f"{node.name} belongs to a cluster already",
                       hint="--force-join if that cluster is gone, or --readd if it is this one")
    if secondary and secondary not in host.addresses:
        raise NodeSetupFailed(
            f"{node.name} does not have the secondary address {secondary} "
            f"(it has {', '.join(host.addresses) or 'none'})", hint="-s ADDRESS")
    return host
