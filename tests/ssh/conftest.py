"""Real sshd processes as nodes: each with its own /run, /var/lib/gnt and /root."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import paramiko
import pytest

from gnt.errors import NodeFailed
from gnt.model.objects import Node
from gnt.plan import node_task, script, text
from gnt.ssh.identity import Identities
from gnt.ssh.transport import SshTransport

START = r"""
set -e
mount --make-rprivate /
mkdir -p "$1/state" "$1/root"
for d in /run /root; do mount -t tmpfs -o mode=755 gnt-ssh-test "$d"; done
mkdir -p /run/sshd /var/lib/gnt
mount --bind "$1/state" /var/lib/gnt
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""
CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host_key
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AuthorizedKeysFile {home}/authorized_keys /root/.ssh/authorized_keys
Subsystem sftp internal-sftp
MaxSessions 50
{more}
"""


@node_task(deadline=5)
def run(body: str, *, word: str = "", stdin: str = ""):
    return script(body, word, parse=text, stdin=stdin.encode("latin-1"))


def keygen(path: Path, kind: str = "ed25519") -> str:
    """A new key pair; returns the public line without comment."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path], check=True)
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, *, seconds: float = 10.0):
    """Wait for something to become true, and return it."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return value


def pytest_collection_modifyitems(items):
    """What starts sshd needs root and mount namespaces."""
    for item in items:
        if {"site", "own_site", "here", "gated"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("lab")


class Sshd:
    """One node."""

    def __init__(self, home: Path, name: str, login: str, more: str = "") -> None:
        self.home, self.name, self.port = home, name, free_port()
        home.mkdir()
        self.host_key = keygen(home / "host_key")
        (home / "authorized_keys").write_text(f'restrict,from="127.0.0.1" {login}\n')
        (home / "sshd_config").write_text(CONFIG.format(home=home, port=self.port, more=more))
        self.log = (home / "log").open("wb")
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", START, "sh", str(home)], stdout=self.log,
            stderr=self.log, start_new_session=True,
        )
        until(self.answers)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def sh(self, command: str) -> str:
        """Run something inside the node, not over SSH."""
        return subprocess.run(
            ["nsenter", "-m", "-t", str(self.process.pid), "sh", "-c", command], check=True,
            capture_output=True, text=True,
        ).stdout

    def stop(self) -> None:
        """End sshd and all sessions that it started (they are found by their mount namespace)."""
        mine = os.readlink(f"/proc/{self.process.pid}/ns/mnt")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.readlink(entry / "ns/mnt") == mine:
                        os.kill(int(entry.name), signal.SIGKILL)
                except OSError:
                    continue
        self.process.wait()
        self.log.close()

    @property
    def node(self) -> Node:
        return a_node(self.name, self.host_key)


def a_node(name: str, *keys: str, address: str = "127.0.0.1") -> Node:
    return Node(uuid=name, name=name, primary_ip=address, secondary_ip=address, group="g",
                host_keys=keys)


class Site:
    """Nodes, a login key, and transports to them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.login = keygen(home / "login")
        self.nodes: dict[str, Sshd] = {}
        self._transports: list[SshTransport] = []

    def add(self, name: str, more: str = "") -> Sshd:
        self.nodes[name] = Sshd(self.home / name, name, self.login, more)
        return self.nodes[name]

    def transport(self, *strangers: tuple[Node, int], term: int = 1, **options) -> SshTransport:
        """``strangers``: further nodes (with ports) that are not proper sshds."""
        options.setdefault("connect", 3.0)
        identities = Identities(files=(str(self.home / "login"),))
        transport = SshTransport(identities, **options)
        self.tell(transport, *strangers, term=term)
        self._transports.append(transport)
        return transport

    def tell(self, transport, *strangers: tuple[Node, int], term: int = 1) -> None:
        known = [(sshd.node, sshd.port) for sshd in self.nodes.values()] + list(strangers)
        transport.know([node for node, _ in known], term,
                       ports={node.name: port for node, port in known})

    def close(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def stop(self) -> None:
        self.close()
        for sshd in self.nodes.values():
            sshd.stop()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("gnt-ssh"))
    for name in ("node1", "node2", "node3"):
        made.add(name)
    yield made
    made.stop()


HERE = """
mount --make-rprivate /
for d in /run /var/lib /root; do mount -t tmpfs gnt-ssh-test "$d"; done
echo ready
exec sleep 3600
"""


@pytest.fixture(scope="module")
def here():
    """The words that start a shell on "this machine", with a /run and a /var/lib of its own."""
    holder = subprocess.Popen(["unshare", "-m", "sh", "-c", HERE], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ready\n"
    yield ("nsenter", "-m", "-t", str(holder.pid), "/bin/sh")
    holder.kill()
    holder.wait()


@pytest.fixture
def site(shared_site):
    """Three nodes; transports of one test are closed after it."""
    yield shared_site
    shared_site.close()


@pytest.fixture
def own_site(tmp_path):
    """Nodes that a test may break."""
    made = Site(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def host_key(tmp_path_factory):
    path = tmp_path_factory.mktemp("host") / "key"
    public = keygen(path)
    return public, paramiko.Ed25519Key.from_private_key_file(str(path))


def ok(answer):
    """The answer, or the failure raised."""
    if isinstance(answer, NodeFailed):
        raise answer
    return answer


@pytest.fixture(scope="module")
def shared_gated(tmp_path_factory):
    """One hardened node, on which only Alice's word counts."""
    from .gates import Person, harden

    made = Site(tmp_path_factory.mktemp("gnt-gate"))
    made.alice = Person(made.home / "people", "alice")
    harden(made.add("node1"), made.login, [made.alice.line])
    yield made
    made.stop()


@pytest.fixture
def gated(shared_gated):
    yield shared_gated
    shared_gated.close()
