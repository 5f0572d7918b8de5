"""Who may log in to nodes, and what host keys look like to people."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.model.access import authorized as authorized
from gnt.model.access import comment_of as comment_of
from gnt.model.access import owner_of as owner_of
from gnt.model.access import plain as plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.model.config import Config
    from gnt.model.objects import Node


def lines(
    cfg: Config, nodes: Iterable[Node] | None = None, keys: Iterable[str] | None = None,
) -> tuple[str, ...]:
    """Whom this cluster lets in: its keys, from its nodes, unless others are given."""
    return authorized(cfg.cluster.login_keys if keys is None else keys,
                      cfg.nodes if nodes is None else nodes, hardened=cfg.cluster.hardened)


def with_key(keys: Iterable[str], key: str) -> tuple[str, ...]:
    """The keys with this one in the place of any other of its owner."""
    return (*without_owner(keys, owner_of(key)), key)


def without_owner(keys: Iterable[str], owner: str) -> tuple[str, ...]:
    return tuple(key for key in keys if owner_of(key) != owner)


def fingerprint(key: str) -> str:
    """As ``ssh-keygen -l`` shows it."""
    import base64
    import binascii
    import hashlib

    try:
        blob = base64.b64decode(key.split(" ", 2)[1], validate=True)
    except (IndexError, binascii.Error):
        raise Invalid("", f"{key!r} is not an OpenSSH public key") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def chosen(shown: Iterable[str], wanted: str, host: str) -> tuple[str, ...]:
    """The host keys, of those shown, that a fingerprint or a public key line names."""
    keys = tuple(plain(key) for key in shown)
    if wanted.startswith("SHA256:"):
        matching = tuple(key for key in keys if fingerprint(key) == wanted)
    else:
        matching = tuple(key for key in keys if key == plain(wanted))
    if not matching:
        seen = ", ".join(f"{key.split()[0]} {fingerprint(key)}" for key in keys)
        raise Invalid("--ssh-host-key", f"{host} shows other host keys: {seen}",
                      hint="compare with its console: "
                           "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    return matching


def question(host: str, address: str, keys: Iterable[str]) -> str:
    """What to ask before host keys are pinned."""
    shown = "\n".join(f"    {key.split()[0]} {fingerprint(key)}" for key in keys)
    return (f"{host} ({address}) shows these host keys:\n{shown}\n"
            "Do they match what its console says (ssh-keygen -lf "
            "/etc/ssh/ssh_host_ed25519_key.pub)? They are pinned then.")
