"""Who may log in to nodes: the lines that gnt keeps in ``authorized_keys``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.model.objects import Node

OWNER = "gnt@"  # a node's own key has this and the node's name as its comment
BEGIN, END = "# gnt: begin (written by gnt, changes are lost)", "# gnt: end"


def authorized(login_keys: Iterable[str], nodes: Iterable[Node]) -> tuple[str, ...]:
    """Lines for ``authorized_keys``: nodes' keys only from these nodes' addresses."""
    places: dict[str, set[str]] = {}
    for node in nodes:
        places.setdefault(node.name, set()).update((node.primary_ip, node.secondary_ip))
    addresses = {name: sorted(found) for name, found in places.items()}
    lines = []
    for key in login_keys:
        owner = owner_of(key)
        if not owner:
            lines.append(f"restrict,pty {key}")
        elif owner in addresses:
            lines.append(f'restrict,pty,from="{",".join(addresses[owner])}" {key}')
    return tuple(lines)


def owner_of(key: str) -> str:
    """The name of the node whose key this is; empty for an admin's."""
    comment = (*key.split(" ", 2), "", "")[2]
    return comment.removeprefix(OWNER) if comment.startswith(OWNER) else ""


def plain(key: str) -> str:
    """The type and the blob of a public key line, without its comment."""
    return " ".join(key.split(" ", 2)[:2])
