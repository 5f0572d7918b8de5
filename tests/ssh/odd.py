"""Servers with a fault, and what becomes of a node that has it."""

from __future__ import annotations

import contextlib
import socket
import threading

import paramiko

from gnt.errors import NodeFailed

from .conftest import a_node, run

SHORT = 1.0  # seconds for connecting, and for commands, in tests of faults


class Odd:
    """A server with a fault, on a loopback port; ``serve`` runs in a thread per connection."""

    def __init__(self, serve) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        try:
            self._serve(client)
        except (OSError, EOFError, paramiko.SSHException):
            client.close()

    def close(self) -> None:
        self.listener.close()
        for client in self.open:
            client.close()


@contextlib.contextmanager
def odd(serve):
    server = Odd(serve)
    try:
        yield server.port
    finally:
        server.close()


def says_nothing(client):
    client.recv(1 << 16)
    client.recv(1 << 16)


def banner_then_silence(client):
    client.sendall(b"SSH-2.0-silent\r\n")
    while client.recv(1 << 16):
        pass


def endless_banner(client):
    stop = threading.Event()
    while not stop.wait(0.05):
        client.sendall(b"one more line before the version\r\n")


def closes_at_once(client):
    client.close()


def not_ssh(client):
    client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    client.close()


def relay(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)


class Server(paramiko.ServerInterface):
    """A proper SSH server but for one thing it never does."""

    def __init__(self, never: str) -> None:
        self.never = never
        self.forever = threading.Event()

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        if self.never == "auth":
            self.forever.wait(20)
        return paramiko.AUTH_FAILED if self.never == "admit" else paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        if self.never == "channel":
            self.forever.wait(20)
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        if self.never == "exec":
            self.forever.wait(20)
        return True  # never == "answer": the command runs and says nothing


def ssh_that_never(what: str, key: paramiko.PKey):
    def serve(client):
        transport = paramiko.Transport(client)
        transport.add_server_key(key)
        transport.start_server(server=Server(what))
        transport.join(20)

    return serve


@contextlib.contextmanager
def dead_host():
    """A port whose full accept queue drops connection attempts, as a dead host does."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def judged(site, serve, public) -> NodeFailed:
    """What becomes of a node with this fault; asserts that the others answer."""
    with odd(serve) as port:
        return asked(site, port, public)


def asked(site, port, *public, **options) -> NodeFailed:
    transport = site.transport((a_node("odd", *public), port), connect=SHORT)
    calls = [run.on(name, "echo fine") for name in ("odd", *site.nodes)]
    answers = transport.ask(calls, deadline=SHORT)
    assert [answers[call.key] for call in calls[1:]] == ["fine\n"] * len(site.nodes)
    failure = answers[calls[0].key]
    assert isinstance(failure, NodeFailed) and failure.node == "odd" and "odd" in str(failure)
    return failure
