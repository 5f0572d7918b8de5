"""Host keys before and outside our own connections: reading them once, pinning them for OpenSSH."""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.record import Record
from gnt.ssh import hostkeys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "rsa-sha2-512")


class Shown(Record):
    """What a host shows to anybody who asks: nothing of it is verified."""

    address: str
    keys: tuple[str, ...]  # "ssh-ed25519 AAAA…"

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(hostkeys.fingerprint(key) for key in self.keys)


def scan(host: str, port: int = 22, *, deadline: float = 10.0) -> Shown:
    """The address of a host and all host keys that its sshd shows, one per type.

    Raises NodeFailed when there is no sshd to show any.
    """
    import threading

    address = resolve(host, port)
    found: dict[str, str | Exception] = {}

    def one(kind: str) -> None:
        try:
            found[kind] = _shown(address, port, kind, deadline)
        except Exception as error:  # noqa: BLE001 - judged below, in the caller's thread
            found[kind] = error

    threads = [threading.Thread(target=one, args=(kind,), daemon=True) for kind in KINDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline)
    keys = tuple(key for kind in KINDS if isinstance(key := found.get(kind), str) and key)
    if not keys:
        raise _silent(host, address, port, found)
    return Shown(address=address, keys=keys)


def resolve(host: str, port: int) -> str:
    """The first address of a host name."""
    import socket

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NodeFailed(host, "unreachable", f"its name has no address: {error.strerror}",
                         hint="give its IP address, or put it into /etc/hosts or DNS") from None
    return str(found[0][4][0])


def known_hosts(node: str, keys: Iterable[str]) -> str:
    """The lines that pin a node for OpenSSH, to be used with ``HostKeyAlias=<node>``."""
    return "".join(f"{node} {key}\n" for key in keys)


def _shown(address: str, port: int, kind: str, deadline: float) -> str:
    """The key of one kind; empty when the server has none."""
    import socket

    from gnt.ssh.lean import load_fabric

    load_fabric()
    import paramiko

    from gnt.ssh.connection import CIPHERS, NodeTransport

    with socket.create_connection((address, port), timeout=deadline) as raw:
        transport = NodeTransport(raw)
        transport.banner_timeout = transport.handshake_timeout = deadline
        security = transport.get_security_options()
        security.key_types, security.ciphers = (kind,), CIPHERS
        try:
            transport.start_client(timeout=deadline)
            key = transport.get_remote_server_key()
        except paramiko.ssh_exception.IncompatiblePeer:
            return ""
        finally:
            transport.close()
    return f"{key.get_name()} {key.get_base64()}"


def _silent(host: str, address: str, port: int, found: dict[str, str | Exception]) -> NodeFailed:
    errors = [str(error) for error in found.values() if isinstance(error, Exception)]
    why = errors[0] if errors else "it shows no host key of a type we accept"
    return NodeFailed(host, "unreachable", f"{address} port {port} shows no host key: {why}",
                      hint=f"is sshd running there? try: ssh-keyscan -p {port} {address}")
