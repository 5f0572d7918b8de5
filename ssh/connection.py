"""One tuned, strict connection to a node (figures: man/adr/0021-tuned-connections.md).

Imported only inside functions: fabric is slow to load.
"""

from __future__ import annotations

import logging
import math
import os
import select
import socket

import fabric
import paramiko
from paramiko.auth_strategy import AuthStrategy, InMemoryPrivateKey

from gnt.errors import NodeFailed
from gnt.ssh import hostkeys
from gnt.ssh.opening import TCP
from gnt.ssh.peers import unreachable
from gnt.ssh.reading import Reader
from gnt.ssh.runner import FastRemote
from gnt.ssh.wire import NodeSocket, Packets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.ssh.peers import Target

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes128-ctr")
EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org", "curve25519-sha256",
             "ecdh-sha2-nistp256")
KEEPALIVE = {
    socket.TCP_NODELAY: 1,
    socket.TCP_KEEPIDLE: 10,
    socket.TCP_KEEPINTVL: 5,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 25_000,  # ms until unacknowledged data breaks the connection
}
#: One for all connections, and lazy: it reads no fabric or ssh configuration of the user.
CONFIG = fabric.Config(
    overrides={
        "run": {"hide": True, "in_stream": False, "warn": True},
        "runners": {"remote": FastRemote},
        "load_ssh_configs": False,
    },
    lazy=True,
)
CONFIG._set(_keypath=(), _root=CONFIG)  # else it words an error each time it looks for them
READER = Reader()  # for all connections
os.register_at_fork(after_in_child=READER.forget)
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr


def tune(raw: socket.socket) -> NodeSocket:
    """The same connection, set up for short packets and for noticing a dead peer."""
    tuned = NodeSocket(raw.family, raw.type, raw.proto, fileno=raw.detach())
    tuned.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        tuned.setsockopt(socket.IPPROTO_TCP, option, value)
    return tuned


class NodeTransport(paramiko.Transport):
    _active_check_timeout = 0.5  # its thread wakes this often when idle; the default is 0.1 s


class PinnedKeys(paramiko.MissingHostKeyPolicy):
    """Accepts exactly the keys recorded for the node, whatever address it has."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._blobs = {hostkeys.split(key)[1] for key in target.host_keys}

    def missing_host_key(self, client: object, hostname: str, key: paramiko.PKey) -> None:
        if key.asbytes() not in self._blobs:
            raise hostkeys.changed(self._target.name, self._target.host_keys, key.asbytes())


class Keys(AuthStrategy):
    """Public-key login with the given keys, in order; nothing else is tried."""

    def __init__(self, user: str, keys: tuple[Any, ...]) -> None:
        super().__init__(ssh_config=paramiko.SSHConfig())
        self._user, self._keys = user, keys

    def get_sources(self) -> Iterator[InMemoryPrivateKey]:
        return (InMemoryPrivateKey(self._user, key) for key in self._keys)


class NodeConnection(fabric.Connection):  # type: ignore[misc]  # fabric has no types
    """A fabric ``Connection`` (so an Invoke ``Context``) to one node of the cluster."""

    def __init__(
        self, target: Target, user: str, keys: tuple[Any, ...], *, deadline: float,
        begun: socket.socket | None = None,
    ) -> None:
        if not target.host_keys:
            raise hostkeys.unrecorded(target.name)
        super().__init__(
            target.address, user=user, port=target.port, config=CONFIG,
            connect_timeout=math.ceil(min(TCP, deadline)),  # fabric makes it whole; 0 is for ever
            connect_kwargs={
                "auth_strategy": Keys(user, keys), "auth_timeout": deadline,
                "banner_timeout": deadline, "channel_timeout": deadline,
                "transport_factory": self._transport_of,
            },
        )
        self.target, self.deadline, self.begun = target, deadline, begun
        self.made: paramiko.Transport | None = None
        self.dropped = False
        self.client.set_missing_host_key_policy(PinnedKeys(target))

    def __setattr__(self, name: str, value: object) -> None:
        """Invoke would write what it does not know (``inline_ssh_env``) into the shared
        configuration and rebuild that, while other threads read it."""
        object.__setattr__(self, name, value)

    def _transport_of(self, raw: socket.socket, **options: Any) -> paramiko.Transport:
        """Public hook of ``SSHClient.connect``: paramiko sets no socket option itself."""
        self.wire = tune(raw)
        transport = NodeTransport(self.wire, packetizer_class=Packets, **options)
        transport.handshake_timeout = self.deadline
        security = transport.get_security_options()
        security.ciphers = CIPHERS
        security.kex = tuple(name for name in EXCHANGES if name in security.kex)
        security.key_types = hostkeys.algorithms(self.target.host_keys)
        self.made = transport
        return transport

    def login(self) -> None:
        """Connect and authenticate; every failure becomes a NodeFailed."""
        try:
            if self.begun is not None:
                self.connect_kwargs["sock"] = _connected(self.begun, min(TCP, self.deadline))
            self.open()
        except NodeFailed:
            self.abort()
            raise
        except paramiko.AuthenticationException as error:
            problem = self._denied(error)
            self.abort()
            raise problem from None
        except paramiko.ssh_exception.IncompatiblePeer:
            self.abort()
            raise hostkeys.missing_type(self.target.name, self.target.host_keys) from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.dropped = _dropped(error)
            self.abort()
            raise unreachable(self.target, _why(error)) from None

    def calm(self) -> None:
        """A command runs: sshd no longer waits for acknowledgements, and the thread that reads
        for all may read for this one."""
        self.wire.eager = False
        self.packets.reader = READER

    @property
    def packets(self) -> Packets:
        assert self.made is not None
        found = self.made.packetizer
        assert isinstance(found, Packets)
        return found

    def abort(self) -> None:
        """End the connection from any thread, whatever it waits for, and wait for nothing."""
        if self.made is None:
            return
        self.packets.over = True
        try:
            self.wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended before

    def _denied(self, error: paramiko.AuthenticationException) -> NodeFailed:
        if "timeout" in str(error).lower():
            return unreachable(self.target, "its sshd did not answer the login")
        if self.made is not None and not self.made.is_active():
            return unreachable(self.target, "its sshd broke the connection during the login")
        return NodeFailed(
            self.target.name, "denied", f"its sshd refused the login as {self.user}",
            hint=f"see why on its console: journalctl -u ssh -n 20; our key must be in "
                 f"~{self.user}/.ssh/authorized_keys and our address in its from= list",
        )


def _connected(begun: socket.socket, deadline: float) -> socket.socket:
    """A connection that was begun, once it is there; raises OSError when it will not be."""
    _, ready, _ = select.select([], [begun], [], deadline)
    if not ready:
        raise TimeoutError
    if error := begun.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    begun.setblocking(True)
    return begun


def _dropped(error: Exception) -> bool:
    """Whether it was closed before sshd said a word: it sheds load, another attempt may do."""
    cause = error.__cause__ or error.__context__ or error
    return isinstance(cause, (EOFError, ConnectionResetError))


def _why(error: Exception) -> str:
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        error = next(iter(error.errors.values()))
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, EOFError) or "banner" in str(error) or "existing session" in str(error):
        return "something accepts connections there, but it does not speak SSH in time"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
