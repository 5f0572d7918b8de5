"""Connections that several transports of one process share: a node is logged in to a few times.

A login costs some 40 ms of CPU at both ends, another shell on an open connection a fifth of that.
sshd allows ten sessions on a connection, so no more than ``MOST`` peers use one; a peer that finds
it full all the same takes another.
"""

from __future__ import annotations

from gnt.errors import NodeFailed
from gnt.ssh.peers import Peer, RemotePeer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    import paramiko

    from gnt.ssh.connection import NodeConnection
    from gnt.ssh.peers import Target

MOST = 4  # peers on one connection; each has up to three lanes


class Held:
    """A connection and how many use it.  (Two of fabric's are equal if they go to one host.)"""

    def __init__(self, connection: NodeConnection) -> None:
        self.connection = connection
        self.users, self.full = 1, False

    @property
    def room(self) -> bool:
        return self.users < MOST and not self.full and bool(self.connection.is_connected)


class Place:
    """The connections to one node.  ``making`` is held while one is being made."""

    def __init__(self) -> None:
        import threading

        self.making = threading.Lock()
        self.held: list[Held] = []
        self.failed: tuple[float, NodeFailed] | None = None


class Lines:
    """The open connections of a process."""

    def __init__(self) -> None:
        import threading

        self._counting = threading.Lock()
        self._places: dict[Target, Place] = {}

    def join(self, target: Target, login: Callable[[], NodeConnection]) -> Held:
        """A connection to use until :meth:`leave`; who comes while one is made waits for it, and
        for why it could not be made."""
        import time

        with self._counting:
            place = self._places.setdefault(target, Place())
        came = time.monotonic()
        with place.making:
            found = self._taken(place)
            if found is not None:
                return found
            if place.failed is not None and place.failed[0] >= came:
                raise place.failed[1]
            try:
                made = Held(login())
            except NodeFailed as failure:
                place.failed = time.monotonic(), failure
                raise
            with self._counting:
                place.held.append(made)
            return made

    def _taken(self, place: Place) -> Held | None:
        with self._counting:
            for held in place.held:
                if held.room:
                    held.users += 1
                    return held
        return None

    def leave(self, target: Target, held: Held) -> None:
        """The last one ends it."""
        with self._counting:
            held.users -= 1
            if held.users:
                return
            self._places[target].held.remove(held)
        held.connection.abort()


class SharingPeer(RemotePeer):
    """A node reached by connections that others use, too."""

    def __init__(self, lines: Lines, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.lines = lines
        self._joined: list[Held] = []

    def knock(self) -> socket.socket | None:
        """There may be a connection: whoever opens the lane finds out."""
        self.reached = True
        return None

    def connection(self) -> NodeConnection:
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                if (resting := self.resting()) is not None:
                    raise resting
                self._join()
            assert self._connection is not None
            return self._connection

    def channel(self, command: str) -> paramiko.Channel:
        try:
            return super().channel(command)
        except NodeFailed:
            full = self._joined[-1] if self._joined else None
            if full is None or not full.connection.is_connected:
                raise
            full.full = True
            with self._lock:
                self._join()
            return super().channel(command)

    def abort(self) -> None:
        Peer.abort(self)
        self.forget_knock()
        for held in self._joined:
            self.lines.leave(self.target, held)
        self._joined.clear()
        self._connection = None

    def _join(self) -> None:
        self._joined.append(self.lines.join(self.target, self._login))
        self._connection = self._joined[-1].connection

    def _login(self) -> NodeConnection:
        self._connection = None
        super().knock()
        self._connect()
        assert self._connection is not None
        return self._connection
