"""Fields of those who may sign changes."""

from __future__ import annotations

from gnt.query.field import Field, attribute, tabled

DEFAULT = ("name", "fingerprint", "added", "comment")


def fingerprint(key: str) -> str:
    """The fingerprint of an OpenSSH public key, as ssh-keygen shows it."""
    import base64
    import binascii
    import hashlib

    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return "(not a key)"
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


FIELDS = tabled(
    Field("added", "Added", "timestamp", "When it was added", attribute("added")),
    Field("comment", "Comment", "text", "Who or what it is", attribute("comment")),
    Field("fingerprint", "Fingerprint", "text", "The key's fingerprint",
          lambda v, s: fingerprint(s.key)),
    Field("key", "Key", "text", "The public key", attribute("key")),
    Field("name", "Name", "text", "Its name in allowed_signers files", attribute("name")),
    Field("type", "Type", "text", "The kind of key",
          lambda v, s: s.key.partition(" ")[0]),
)
