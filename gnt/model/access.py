"""Who may log in to nodes: the lines that gnt keeps in ``authorized_keys``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.model.objects import Node

OWNER = "gnt@"  # a node's own key has this and the node's name as its comment
GATE = (  # what a hardened node runs for whoever logs in (ssh/gate)
    r'command="exec /usr/bin/env -i HOME=\"$HOME\" TERM=\"$TERM\"'
    r' SSH_ORIGINAL_COMMAND=\"$SSH_ORIGINAL_COMMAND\" /bin/sh /var/lib/gnt/gate/gate",'
)
BEGIN, END = "# gnt: begin (written by gnt, changes are lost)", "# gnt: end"


def authorized(
    login_keys: Iterable[str], nodes: Iterable[Node], *, hardened: bool = False,
) -> tuple[str, ...]:
    """Lines for ``authorized_keys``: nodes' keys only from these nodes' addresses.

    ``hardened``: they lead to the gate, which runs only what is signed.
    """
    options = f"{GATE if hardened else ''}restrict,pty"
    places: dict[str, set[str]] = {}
    for node in nodes:
        places.setdefault(node.name, set()).update((node.primary_ip, node.secondary_ip))
    addresses = {name: sorted(found) for name, found in places.items()}
    lines = []
    for key in login_keys:
        owner = owner_of(key)
        if not owner:
            lines.append(f"{options} {key}")
        elif owner in addresses:
            lines.append(f'{options},from="{",".join(addresses[owner])}" {key}')
    return tuple(lines)


def owner_of(key: str) -> str:
    """The name of the node whose key this is; empty for an admin's."""
    comment = comment_of(key)
    return comment.removeprefix(OWNER) if comment.startswith(OWNER) else ""


def comment_of(key: str) -> str:
    """What follows the blob of a public key line; an admin's name for keys that came with one."""
    return (*key.split(" ", 2), "", "")[2]


def plain(key: str) -> str:
    """The type and the blob of a public key line, without its comment."""
    return " ".join(key.split(" ", 2)[:2])
