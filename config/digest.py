"""SHA-256 without OpenSSL for small texts: importing ``hashlib`` costs a commit 2 ms."""

from __future__ import annotations

SMALL = 256 * 1024  # bytes; above, OpenSSL's use of SHA instructions pays for its import


def sha256(data: bytes) -> bytes:
    """The 32 bytes of SHA-256."""
    if len(data) <= SMALL:
        try:
            from _sha256 import (  # type: ignore[import-not-found]  # of CPython 3.11 only
                sha256 as small,
            )

            digest: bytes = small(data).digest()
        except ImportError:
            pass
        else:
            return digest
    import hashlib

    return hashlib.sha256(data).digest()


def hex256(data: bytes) -> str:
    """SHA-256 in hexadecimal, as ``sha256sum`` prints it."""
    return sha256(data).hex()
