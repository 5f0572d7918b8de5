"""Which host key a node must show: the ones recorded in the signed configuration, no others."""

from __future__ import annotations

from gnt.errors import Invalid, NodeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a server may sign with, by the type of key that was recorded.
ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


def split(key: str) -> tuple[str, bytes]:
    """(type, blob) of an OpenSSH public key line."""
    import base64
    import binascii

    kind, _, rest = key.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split(" ", 1)[0], validate=True)
        start = len(kind).to_bytes(4, "big") + kind.encode("ascii")
    except (binascii.Error, ValueError):
        blob, start = b"", b"?"
    if not kind or not blob.startswith(start):
        raise Invalid("", f"{key[:60]!r} is not an OpenSSH public key",
                      hint="it looks like: ssh-ed25519 AAAAC3Nza…")
    return kind, blob


def fingerprint(key: str) -> str:
    """As ``ssh-keygen -l`` shows it: ``SHA256:…``."""
    return fingerprint_of(split(key)[1])


def fingerprint_of(blob: bytes) -> str:
    import base64
    import hashlib

    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def algorithms(keys: Iterable[str]) -> tuple[str, ...]:
    """What to ask the server for, so that it shows a key that was recorded."""
    types = dict.fromkeys(split(key)[0] for key in keys)
    return tuple(name for kind in types for name in ALGORITHMS.get(kind, (kind,)))


def unrecorded(node: str) -> NodeFailed:
    return NodeFailed(
        node, "hostkey", "no host key of it is recorded, so nothing is sent to it",
        hint="read its fingerprint on its console "
             "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and type: "
             f" gnt-node add --readd --ssh-host-key SHA256:… {node}",
    )


def changed(node: str, recorded: Iterable[str], shown: bytes) -> NodeFailed:
    """Another key than the recorded ones was shown: a new installation, or an impostor."""
    expected = " or ".join(fingerprint(key) for key in recorded)
    found = fingerprint_of(shown)
    return NodeFailed(
        node, "hostkey",
        f"its host key is not the recorded one: expected {expected}, it shows {found}; "
        "nothing was sent to it",
        hint="if it was installed anew, compare with what its console says "
             "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and type: "
             f"gnt-node add --readd --ssh-host-key {found} {node}; if not, somebody sits between",
    )


def missing_type(node: str, recorded: Iterable[str]) -> NodeFailed:
    """The server has no key of the recorded types at all."""
    kinds = ", ".join(dict.fromkeys(split(key)[0] for key in recorded))
    expected = " or ".join(fingerprint(key) for key in recorded)
    return NodeFailed(
        node, "hostkey",
        f"it offers no host key of the recorded type ({kinds}, {expected}), or no cipher we accept",
        hint="if it was installed anew, read its fingerprint on its console and type: "
             f"gnt-node add --readd --ssh-host-key SHA256:… {node}",
    )
