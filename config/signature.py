"""Signatures in OpenSSH's SSHSIG format, which every host can check with ``ssh-keygen -Y verify``.

Only Ed25519 keys sign the configuration.  The format is described in OpenSSH's PROTOCOL.sshsig and
PROTOCOL.key.  A signature says which key made it; whether that key may sign is decided elsewhere.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from gnt.config.digest import sha256
from gnt.errors import Damaged, UsageError
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Signing(Protocol):
        """Somebody's signing key, in a file or held by an agent."""

        public: str  # the public key: "ssh-ed25519 AAAA…"

        def sign(self, data: bytes) -> bytes:
            """SSH's signature of ``data``: string algorithm, string signature."""


NAMESPACE = "gnt-config"
KEY_TYPE = "ssh-ed25519"
MAX_SIGNATURE = 1024  # base64 characters; an Ed25519 one has about 240
MAGIC = b"SSHSIG"
PRIVATE_MAGIC = b"openssh-key-v1\0"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


class Wire:
    """Reads SSH's wire format; whatever is missing or left over is an error."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        part = self.data[self.at : self.at + size]
        if len(part) != size:
            raise ValueError("it ends too early")
        self.at += size
        return part

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.number())

    def finish(self) -> None:
        if self.at != len(self.data):
            raise ValueError("there is something after its end")


def string(data: bytes) -> bytes:
    """``data`` with its length before it."""
    return len(data).to_bytes(4, "big") + data


def base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def unbase64(text: str) -> bytes:
    """Strict: no blanks, no second spelling of one value."""
    data = a2b_base64(text)
    if base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def public_bytes(public: str) -> bytes:
    """The 32 bytes of ``ssh-ed25519 AAAA… [comment]``; raises UsageError for other keys."""
    words = public.split()
    if len(words) < 2 or words[0] != KEY_TYPE:
        raise UsageError(f"{public[:60]!r} is not an Ed25519 public key",
                         hint="make one with: ssh-keygen -t ed25519")
    try:
        return _key_of(unbase64(words[1]))
    except (ValueError, Base64Error) as error:
        raise UsageError(f"{public[:60]!r} is not an OpenSSH public key: {error}") from None


def normal(public: str) -> str:
    """A public key without its comment: what is stored and compared."""
    return public_text(public_bytes(public))


def public_text(key: bytes) -> str:
    """``ssh-ed25519 AAAA…`` of 32 bytes."""
    return f"{KEY_TYPE} {base64(string(KEY_TYPE.encode()) + string(key))}"


def fingerprint(public: str) -> str:
    """``SHA256:…`` as ssh-keygen shows it."""
    blob = unbase64(normal(public).split()[1])
    return "SHA256:" + base64(sha256(blob))[:-1]  # without its =


def _key_of(blob: bytes) -> bytes:
    wire = Wire(blob)
    kind, key = wire.string(), wire.string()
    wire.finish()
    if kind != KEY_TYPE.encode() or len(key) != 32:
        raise ValueError("it is not an Ed25519 key")
    return key


def _to_sign(message: bytes, namespace: str, algorithm: str) -> bytes:
    if algorithm == "sha512":
        import hashlib

        digest = hashlib.sha512(message).digest()
    elif algorithm == "sha256":
        digest = sha256(message)
    else:
        raise ValueError(f"its hash {algorithm!r} is not known")
    return (MAGIC + string(namespace.encode()) + string(b"") + string(algorithm.encode())
            + string(digest))


def sign(message: bytes, signing: Signing, namespace: str = NAMESPACE) -> str:
    """The SSHSIG of ``message``, in base64 on one line."""
    inner = signing.sign(_to_sign(message, namespace, "sha256"))
    blob = (
        MAGIC + (1).to_bytes(4, "big")
        + string(string(KEY_TYPE.encode()) + string(public_bytes(signing.public)))
        + string(namespace.encode()) + string(b"") + string(b"sha256")
        + string(inner)
    )
    return base64(blob)


class Signed(Record):
    """A signature taken apart."""

    public: str
    algorithm: str
    raw: bytes


def take_apart(signature: str, where: str, namespace: str = NAMESPACE) -> Signed:
    """The parts of an SSHSIG; raises Damaged for what is none of ours."""
    try:
        if len(signature) > MAX_SIGNATURE:
            raise ValueError("it is too long")
        wire = Wire(unbase64(signature))
        if wire.take(len(MAGIC)) != MAGIC or wire.number() != 1:
            raise ValueError("it is not an SSH signature")
        key = _key_of(wire.string())
        found, reserved = wire.string(), wire.string()
        algorithm, inner = wire.string().decode(), Wire(wire.string())
        wire.finish()
        kind, raw = inner.string(), inner.string()
        inner.finish()
        if found != namespace.encode() or reserved:
            raise ValueError(f"it was made for {found!r}, not for {namespace}")
        if kind != KEY_TYPE.encode() or len(raw) != 64:
            raise ValueError("it is not an Ed25519 signature")
    except (ValueError, Base64Error) as error:
        raise Damaged(f"{where}: bad signature: {error}") from None
    return Signed(public=public_text(key), algorithm=algorithm, raw=raw)


def verify(message: bytes, signature: str, where: str, namespace: str = NAMESPACE) -> str:
    """Whose signature of ``message`` this is (the public key); Damaged when it is not one."""
    parts = take_apart(signature, where, namespace)
    try:
        data = _to_sign(message, namespace, parts.algorithm)
    except ValueError as error:
        raise Damaged(f"{where}: bad signature: {error}") from None
    if not check(public_bytes(parts.public), parts.raw, data):
        raise Damaged(f"{where}: the signature is not of this content")
    return parts.public


def check(public: bytes, raw: bytes, data: bytes) -> bool:
    """Whether ``raw`` is the Ed25519 signature of ``data``."""
    try:
        _primitives().from_public_bytes(public).verify(raw, data)
    except ValueError:
        return False
    except Exception as error:
        from cryptography.exceptions import InvalidSignature  # 10 ms: only when there is one

        if not isinstance(error, InvalidSignature):
            raise
        return False
    return True


def _primitives() -> Ed25519:
    """Ed25519 of ``cryptography``: its core alone, as its Python layer takes 8 ms to import."""
    try:
        from cryptography.hazmat.bindings._rust import openssl

        core: Ed25519 = openssl.ed25519
        core.from_private_bytes, core.from_public_bytes  # noqa: B018 - are they there?
    except (ImportError, AttributeError):
        return _documented()
    return core


def _documented() -> Ed25519:
    """The same through the documented interface, should the core ever move."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    class Documented:
        from_private_bytes = staticmethod(ed25519.Ed25519PrivateKey.from_private_bytes)
        from_public_bytes = staticmethod(ed25519.Ed25519PublicKey.from_public_bytes)

    return Documented


if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    class Ed25519(Protocol):
        @property
        def from_private_bytes(self) -> Callable[[bytes], Ed25519PrivateKey]: ...
        @property
        def from_public_bytes(self) -> Callable[[bytes], Ed25519PublicKey]: ...


class FileKey:
    """A private key read from an OpenSSH file."""

    def __init__(self, seed: bytes, public: str) -> None:
        self._seed = seed
        self.public = public

    def sign(self, data: bytes) -> bytes:
        raw = _primitives().from_private_bytes(self._seed).sign(data)
        return string(KEY_TYPE.encode()) + string(raw)


def read_key(path: str) -> FileKey:
    """The signing key in a file; raises UsageError that says what to do about it."""
    try:
        with open(path, "rb") as file:
            content = file.read(64 * 1024)
    except OSError as error:
        raise UsageError(f"cannot read the signing key {path}: {error.strerror}",
                         hint="name your key: gnt-context join --signer FILE") from None
    try:
        return parse_key(content)
    except _Encrypted:
        raise UsageError(f"the signing key {path} is protected by a passphrase",
                         hint=f"let ssh-agent hold it: ssh-add {path}") from None
    except (ValueError, Base64Error) as error:
        raise UsageError(f"{path} is not an OpenSSH Ed25519 private key: {error}",
                         hint="make one with: ssh-keygen -t ed25519") from None


class _Encrypted(Exception):
    pass


def parse_key(content: bytes) -> FileKey:
    """The key in the text of an OpenSSH private key file; ValueError when it is none."""
    lines = content.decode("ascii").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    if not lines or lines[0] != "-----BEGIN OPENSSH PRIVATE KEY-----" or len(lines) < 3:
        raise ValueError("it does not begin like one")
    wire = Wire(a2b_base64("".join(lines[1:-1])))
    if wire.take(len(PRIVATE_MAGIC)) != PRIVATE_MAGIC:
        raise ValueError("it does not begin like one")
    cipher = wire.string()
    wire.string(), wire.string()
    if wire.number() != 1:
        raise ValueError("it holds more than one key")
    public = _key_of(wire.string())
    if cipher != b"none":
        raise _Encrypted
    return _private_part(Wire(wire.string()), public)


def _private_part(wire: Wire, public: bytes) -> FileKey:
    if wire.number() != wire.number():
        raise ValueError("its check numbers differ")
    if wire.string() != KEY_TYPE.encode() or wire.string() != public:
        raise ValueError("it is not an Ed25519 key")
    pair = wire.string()
    if len(pair) != 64 or pair[32:] != public:
        raise ValueError("its halves do not belong together")
    return FileKey(pair[:32], public_text(public))


def armored(signature: str) -> str:
    """The file that ``ssh-keygen -Y verify -s`` reads."""
    wrapped = "\n".join(signature[i : i + 70] for i in range(0, len(signature), 70))
    return f"{BEGIN}\n{wrapped}\n{END}\n"


def unarmored(text: str, where: str) -> str:
    """The one line of an armored signature."""
    line = "".join(text.split("\n")[1:-2])
    if armored(line) != text:
        raise Damaged(f"{where}: not an SSH signature")
    return line


def make_key(path: str) -> FileKey:
    """A new key pair in OpenSSH's files ``path`` and ``path.pub``; never over an old one."""
    import os

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    key = parse_key(content)
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    made: list[str] = []
    try:
        for name, data in ((path, content), (path + ".pub", f"{key.public} gnt\n".encode())):
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            made.append(name)
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
    except OSError:
        for name in made:  # half a key would be in the way of the next one
            os.unlink(name)
        raise
    return key
