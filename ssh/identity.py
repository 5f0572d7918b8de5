"""What we log in with: private key files and, when the context says so, keys in ssh-agent."""

from __future__ import annotations

from gnt.errors import GntError, Invalid
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Locked(Invalid):
    """A key with a passphrase."""


class Identities(Record):
    """``files`` are tried in order, then the keys that the agent at ``agent`` (a socket) holds."""

    files: tuple[str, ...] = ()
    agent: str = ""
    user: str = "root"

    def __str__(self) -> str:
        return ", ".join((*self.files, *(("the keys in ssh-agent",) if self.agent else ())))


def load(identities: Identities) -> tuple[Any, ...]:
    """The keys as paramiko wants them, read once per command.

    A file with a passphrase is left out while there is another key: ssh-agent may hold it.
    """
    keys: list[Any] = []
    locked: Invalid | None = None
    for path in identities.files:
        try:
            keys.append(_from_file(path))
        except Locked as error:
            locked = error
    if identities.agent:
        keys += _from_agent(identities.agent)
    if not keys and locked:
        raise locked
    if not keys:
        raise GntError(
            "there is no key to log in to the nodes with",
            hint="name one in the context (gnt context list shows it), or start ssh-agent and type:"
                 " ssh-add",
        )
    return tuple(keys)


def public_keys(identities: Identities) -> tuple[str, ...]:
    """The public halves, as OpenSSH lines without comments."""
    return tuple(f"{key.get_name()} {key.get_base64()}" for key in load(identities))


def _from_file(path: str) -> Any:
    import os.path

    import paramiko

    try:
        key = paramiko.PKey.from_path(path)
        if os.path.exists(f"{path}-cert.pub"):
            key.load_certificate(f"{path}-cert.pub")
    except (paramiko.PasswordRequiredException, TypeError):  # TypeError: from cryptography
        raise Locked(path, "this private key has a passphrase",
                     hint=f"type: ssh-add {path}") from None
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise Invalid(path, f"this private key cannot be read: {error}") from None
    return key


def _from_agent(socket_path: str) -> list[Any]:
    import paramiko

    from gnt.ssh.agent import Agent

    class Held(paramiko.PKey):
        """A key whose private half stays in ssh-agent."""

        def __init__(self, key: Any) -> None:
            self.public_blob = None
            self._key = key
            self.comment = key.comment

        def get_name(self) -> str:
            name: str = self._key.public.split(" ", 1)[0]
            return name

        def asbytes(self) -> bytes:
            blob: bytes = self._key.blob
            return blob

        def can_sign(self) -> bool:
            return True

        def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Any:
            signed: bytes = self._key.sign(data, algorithm or "")
            return paramiko.Message(signed)

    return [Held(key) for key in Agent(socket_path).held()]
