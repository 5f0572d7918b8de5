"""A node as we hold it while a command runs: its connection and its kept shells.

A peer has one connection and several *lanes*, kept shells of their own: a step that takes an hour
in one does not keep the store waiting in another.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.plan import quote
from gnt.record import Record
from gnt.ssh.framing import GATE, Plain
from gnt.ssh.shell import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    import paramiko

    from gnt.ssh.connection import NodeConnection
    from gnt.ssh.gate.orders import Orders
    from gnt.ssh.gate.speech import Gate
    from gnt.ssh.links import Link
    from gnt.ssh.opening import Opening

    Opened = Shell | BaseException

PAUSES = (0.1, 0.3, 0.9)  # seconds, jittered: sshd drops connections when too many log in at once
SPARE = "spare"  # the lane of a shell for whoever needs one of his own
REST = 30.0  # seconds for which a node that could not be reached is not tried again


class Target(Record):
    """Where a node is, and which keys it must show."""

    name: str
    address: str
    port: int = 22
    host_keys: tuple[str, ...] = ()


def unreachable(target: Target, why: str) -> NodeFailed:
    where = f"{target.address} port {target.port}"
    return NodeFailed(
        target.name, "unreachable", f"no connection to {where}: {why}",
        hint=f"is it on, and does sshd run there? if it is gone for longer, type: "
             f"gnt-node modify --offline yes {target.name}",
    )


class Peer:
    """Common to remote and local nodes: the lanes.

    A lane that is being opened has a *door*, and those who wait for it, in order: what one thread
    has asked for is written to the shell in that order, however long the connection takes.
    """

    reached = True  # false while nothing is known to listen at the other end

    def __init__(self, name: str, wake: Callable[[Shell], None]) -> None:
        import threading

        self.name = name
        self._wake = wake
        self._lanes: dict[str, Shell] = {}
        self._doors: dict[str, Opening] = {}
        self._waiting: dict[str, list[Callable[[Opened], None]]] = {}
        self._opening = threading.Lock()

    def ready(self, lane: str) -> Shell | None:
        """The lane's shell if it is open and nobody waits for it."""
        return None if lane in self._doors else self._open(lane)

    def _open(self, lane: str) -> Shell | None:
        shell = self._lanes.get(lane)
        return None if shell is None or shell.lost else shell

    def door(self, lane: str) -> Opening | None:
        """Who opens the lane now."""
        return self._doors.get(lane)

    def await_opening(self, lane: str, door: Opening, call: Callable[[Opened], None]) -> None:
        """Call when the lane is open, or cannot be opened."""
        self._doors[lane] = door
        self._waiting.setdefault(lane, []).append(call)

    def opened(self, lane: str, door: Opening, result: Opened) -> None:
        """What became of an opening: pass it on to all who wait, first come, first served."""
        if self._doors.get(lane) is not door:
            return  # it was given up before
        del self._doors[lane]
        if isinstance(result, NodeFailed) and result.kind == "unreachable":
            self.rest(result)
        for call in self._waiting.pop(lane, ()):
            call(result)

    def open(self, lane: str) -> Shell:
        """The lane's shell; connects when needed.  Blocks: for threads."""
        with self._opening:
            shell = self._open(lane)
            if shell is None:
                shell = self._lanes[lane] = self.shell(self._wake)
            return shell

    def shell(self, wake: Callable[[Shell], None]) -> Shell:
        """A new shell that nobody else uses."""
        return Shell(self.link(), wake)

    def drop(self, lane: str) -> None:
        """Give up a shell that does not answer; the next use opens another."""
        shell = self._lanes.pop(lane, None)
        if shell is not None:
            shell.close()

    def own_shell(self, wake: Callable[[Shell], None]) -> Shell:
        """A shell for one user: the spare one if it is open, else a new one."""
        with self._opening:
            shell = self._open(SPARE)
            self._lanes.pop(SPARE, None)
        if shell is None:
            return self.shell(wake)
        shell.heard_by(wake)
        return shell

    def give_back(self, shell: Shell) -> None:
        """Keep a shell that its user has left as it was: as the spare one."""
        self.drop(SPARE)
        self._lanes[SPARE] = shell

    def link(self) -> Link:
        raise NotImplementedError

    def knock(self) -> socket.socket | None:
        """Begin to connect, without waiting: the socket, if that is possible and needed."""
        return None

    def refused(self) -> int:
        return 0

    def resting(self) -> NodeFailed | None:
        """A failure of a moment ago that stands for a while."""
        return None

    def rest(self, failure: NodeFailed) -> None:
        """It could not be reached: let it be for a while."""

    def abort(self) -> None:
        for lane in list(self._lanes):
            self.drop(lane)


class LocalPeer(Peer):
    """This machine."""

    def __init__(
        self, name: str, wake: Callable[[Shell], None], argv: tuple[str, ...] = ("/bin/sh",),
    ) -> None:
        super().__init__(name, wake)
        self.argv = argv

    def command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """How to start a command where our shells run."""
        return (*self.argv, "-c", 'exec "$@"', "sh", *words)

    def link(self) -> Link:
        from gnt.ssh.local import PipeLink

        return PipeLink(self.argv)


class RemotePeer(Peer):
    """A node reached by SSH."""

    def __init__(
        self, target: Target, wake: Callable[[Shell], None], *, user: str,
        keys: Callable[[], tuple[Any, ...]], deadline: float, orders: Orders | None = None,
        gated: bool = False,
    ) -> None:
        """``gated``: it is known to be hardened; else that is found out."""
        import threading

        super().__init__(target.name, wake)
        self.gated, self._orders = gated, orders
        self.target, self.deadline = target, deadline
        self._user, self._keys = user, keys
        self._lock = threading.Lock()
        self._connection: NodeConnection | None = None
        self._resting: tuple[float, NodeFailed] | None = None
        self._knocked: socket.socket | None = None
        self.reached = False

    def connection(self) -> NodeConnection:
        """The open connection, made when there is none."""
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                if (resting := self.resting()) is not None:
                    raise resting
                self._connect()
            assert self._connection is not None
            return self._connection

    def link(self) -> Link:
        from gnt.ssh.links import ChannelLink

        return ChannelLink(self.channel("exec /bin/sh"))

    def shell(self, wake: Callable[[Shell], None]) -> Shell:
        if not self.gated:
            return Shell(self.link(), wake, again=self._greeted)
        link, speech = self._greeted()
        return Shell(link, wake, speech)

    def _greeted(self) -> tuple[Link, Plain | Gate]:
        from gnt.ssh.links import ChannelLink

        channel, speech = self.greeted()
        return ChannelLink(channel), speech

    def greeted(self) -> tuple[paramiko.Channel, Plain | Gate]:
        """A shell that says first whether a gate is before it."""
        from gnt.ssh.gate.speech import Gate, greeting

        channel = self.channel("echo gnt-plain; exec /bin/sh")
        said = greeting(channel, self.deadline)
        self.gated = said.startswith(GATE)
        if not self.gated:
            if said != b"gnt-plain":
                raise unreachable(self.target, f"its shell does not begin ({said[:60]!r})")
            return channel, Plain()
        if len(said.split()) < 4:
            raise unreachable(self.target, f"its gate does not say who it is ({said[:60]!r})")
        if self._orders is None:
            raise unreachable(self.target, "it is hardened, and there is nobody to sign for it")
        return channel, Gate(self.name, said, self._orders)

    def piped(self, words: tuple[str, ...], term: int = 0, job: str = "") -> paramiko.Channel:
        """A channel to the stdin and stdout of a command; signed where the node is hardened."""
        text = "exec " + " ".join(map(quote, words))
        if self.gated:
            channel, speech = self.greeted()
            if not isinstance(speech, Plain):
                channel.sendall(speech.single("pipe", text, job, term))
                return channel
            channel.close()
        return self.channel(text)

    def ticket(self, text: str) -> tuple[str, paramiko.Channel | None]:
        """The command that has ``text`` run by a second connection, and what must stay open."""
        from gnt.ssh.gate.speech import greeting

        channel, speech = self.greeted()
        if isinstance(speech, Plain):
            channel.close()
            return text, None
        channel.sendall(speech.single("ticket", text, "", 0))
        return greeting(channel, self.deadline).decode("ascii", "replace"), channel

    def channel(self, command: str) -> paramiko.Channel:
        """A channel that runs one command."""
        connection = self.connection()
        import paramiko

        try:
            channel: paramiko.Channel = connection.transport.open_session(timeout=self.deadline)
            channel.exec_command(command)
            connection.calm()
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise unreachable(self.target, f"it is open but starts no command ({error})") from None
        return channel

    def knock(self) -> socket.socket | None:
        """Begin the TCP connection: sshd starts its process for us while we still load fabric."""
        import socket

        address = self.target.address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if self._connection is not None or self._knocked is not None:
            return self._knocked
        try:
            socket.inet_pton(family, address)
        except OSError:
            self.reached = True  # a name: looking it up could take time
            return None
        self.reached = False
        self._knocked = socket.socket(family)
        self._knocked.setblocking(False)
        self._knocked.connect_ex((address, self.target.port))
        return self._knocked

    def resting(self) -> NodeFailed | None:
        """The failure of a moment ago, so that one silent node costs its deadline only once."""
        import time

        if self._resting and time.monotonic() < self._resting[0]:
            return self._resting[1]
        return None

    def rest(self, failure: NodeFailed) -> None:
        import time

        self._resting = (time.monotonic() + REST, failure)

    def abort(self) -> None:
        self.forget_knock()
        if self._connection is not None:
            self._connection.abort()  # first: ending the lanes one by one is two packets for each
        super().abort()

    def refused(self) -> int:
        """The TCP connection that was begun is there (0), or has failed: its errno."""
        import socket

        knocked = self._knocked
        try:
            error = knocked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if knocked else 0
        except OSError as gone:  # another lane has given up
            return gone.errno or 0
        self.reached = not error
        return error

    def forget_knock(self) -> None:
        """Nobody came to the door."""
        knocked, self._knocked = self._knocked, None
        if knocked is not None:
            knocked.close()

    def _connect(self) -> None:
        import random
        import time

        from gnt.ssh.lean import load_fabric

        load_fabric()
        from gnt.ssh.connection import NodeConnection

        keys = self._keys()
        for pause in (*PAUSES, None):
            knocked, self._knocked = self._knocked, None
            self._connection = NodeConnection(
                self.target, self._user, keys, deadline=self.deadline, begun=knocked)
            try:
                self._connection.login()
            except NodeFailed:
                if pause is None or not self._connection.dropped:
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))
            else:
                return
