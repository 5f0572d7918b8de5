"""Nodes that are dead, silent, hanging or not who they should be: named, and the others answer."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from pathlib import Path

import paramiko
import pytest

from gnt.engine.ports import Frame
from gnt.errors import GntError, NodeFailed
from gnt.ssh.hostkeys import fingerprint
from gnt.ssh.identity import Identities
from gnt.ssh.opening import THREADS
from gnt.ssh.transport import SshTransport

from .conftest import a_node, free_port, keygen, run, until

SHORT = 1.0  # seconds for connecting, and for commands, in these tests


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


@pytest.fixture(scope="module")
def host_key(tmp_path_factory):
    path = tmp_path_factory.mktemp("host") / "key"
    public = keygen(path)
    return public, paramiko.Ed25519Key.from_private_key_file(str(path))


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


@pytest.mark.parametrize("serve", [
    says_nothing, banner_then_silence, endless_banner, closes_at_once, not_ssh,
])
def test_what_is_not_a_working_sshd(site, serve, host_key):
    failure = judged(site, serve, host_key[0])
    assert failure.kind == "unreachable" and "gnt-node modify --offline yes odd" in failure.hint


@pytest.mark.parametrize(("never", "kind"), [
    ("auth", "unreachable"), ("admit", "denied"), ("channel", "unreachable"),
    ("exec", "unreachable"), ("answer", "timeout"),
])
def test_an_sshd_that_stops_half_way(site, never, kind, host_key):
    public, private = host_key
    assert judged(site, ssh_that_never(never, private), public).kind == kind


def test_nobody_listens(site):
    failure = asked(site, free_port(), "ssh-ed25519 " + site.login.split()[1])
    assert failure.kind == "unreachable" and "refused" in failure.problem.lower()


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


def test_an_address_that_does_not_answer(site):
    with dead_host() as port:
        assert asked(site, port, site.login).kind == "unreachable"


def test_more_dead_hosts_than_threads_keep_nobody_waiting(site):
    """They all cost one connect deadline together, which is all the time this phase has."""
    with dead_host() as port:
        dead = [f"dead{n}" for n in range(2 * THREADS)]
        transport = site.transport(*((a_node(name, site.login), port) for name in dead),
                                   connect=SHORT)
        calls = {name: run.on(name, "echo fine") for name in (*dead, *site.nodes)}
        answers = transport.ask(calls.values())
    assert {answers[calls[name].key].kind for name in dead} == {"unreachable"}
    assert all(answers[calls[name].key] == "fine\n" for name in site.nodes)


def test_a_changed_host_key(site, tmp_path):
    recorded = keygen(tmp_path / "recorded")
    real = site.nodes["node1"]
    failure = asked(site, real.port, recorded)
    assert failure.kind == "hostkey"
    assert fingerprint(recorded) in str(failure) and fingerprint(real.host_key) in str(failure)
    assert f"--ssh-host-key {fingerprint(real.host_key)} odd" in failure.hint


def test_a_host_key_of_another_type(site, tmp_path):
    failure = asked(site, site.nodes["node1"].port, keygen(tmp_path / "recorded", "ecdsa"))
    assert failure.kind == "hostkey" and "ecdsa-sha2-nistp256" in str(failure)


def test_a_node_without_a_recorded_key(site):
    failure = asked(site, site.nodes["node1"].port)
    assert failure.kind == "hostkey" and "--ssh-host-key" in failure.hint


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_types_of_host_key_are_pinned_too(own_site, tmp_path, kind):
    public = keygen(tmp_path / "other", kind)
    sshd = own_site.add("typed", more=f"HostKey {tmp_path}/other")
    transport = own_site.transport((a_node("other", public), sshd.port))
    call = run.on("other", "echo fine")
    assert transport.ask([call])[call.key] == "fine\n"


def test_a_key_that_the_node_does_not_know(own_site, tmp_path):
    own_site.add("strict")
    (own_site.home / "login").unlink()
    keygen(own_site.home / "login")
    call = run.on("strict", "true")
    failure = own_site.transport().ask([call])[call.key]
    assert failure.kind == "denied" and "authorized_keys" in failure.hint


def test_no_key_at_all(site):
    transport = SshTransport(Identities())
    site.tell(transport)
    with pytest.raises(GntError, match="no key") as caught:
        transport.ask([run.on("node1", "true")])
    assert caught.value.hint


def test_a_key_file_with_rubbish(site, tmp_path):
    (tmp_path / "key").write_text("rubbish\n")
    transport = SshTransport(Identities(files=(str(tmp_path / "key"),)))
    site.tell(transport)
    with pytest.raises(GntError, match="cannot be read"):
        transport.ask([run.on("node1", "true")])


def test_a_hanging_command(site):
    transport = site.transport()
    calls = [run.on("node1", "sleep 60"), run.on("node2", "echo fine")]
    answers = transport.ask(calls, deadline=SHORT)
    failure = answers[calls[0].key]
    assert failure.kind == "timeout" and failure.unknown and answers[calls[1].key] == "fine\n"
    again = run.on("node1", "echo back")
    assert transport.ask([again])[again.key] == "back\n"


def test_scripts_behind_a_hanging_one_say_so(site):
    calls = [run.on("node1", body) for body in ("echo a", "sleep 60", "echo b")]
    answers = site.transport().ask(calls, deadline=SHORT)
    assert answers[calls[0].key] == "a\n"
    assert [answers[call.key].kind for call in calls[1:]] == ["timeout", "timeout"]


def test_a_silent_node_costs_its_deadline_once(site, host_key):
    tries = []

    def silent(client):
        tries.append(client)
        says_nothing(client)

    with odd(silent) as port:
        transport = site.transport((a_node("odd", host_key[0]), port), connect=SHORT)
        call = run.on("odd", "true")
        kinds = [transport.ask([call])[call.key].kind for _ in range(4)]
    assert kinds == ["unreachable"] * 4 and len(tries) == 1


def test_one_dead_one_silent_and_one_hanging(site, host_key):
    public, private = host_key
    with odd(says_nothing) as silent, odd(ssh_that_never("answer", private)) as hanging:
        odds = {"dead": free_port(), "silent": silent, "hanging": hanging}
        strangers = [(a_node(name, public), port) for name, port in odds.items()]
        transport = site.transport(*strangers, connect=SHORT)
        calls = {name: run.on(name, "echo fine") for name in (*odds, *site.nodes)}
        answers = transport.ask(calls.values(), deadline=SHORT)
    kinds = {name: answers[calls[name].key].kind for name in odds}
    assert kinds == {"dead": "unreachable", "silent": "unreachable", "hanging": "timeout"}
    assert all(answers[calls[name].key] == "fine\n" for name in site.nodes)


def test_a_connection_that_breaks_in_the_middle(own_site):
    node = own_site.add("breaks")
    transport = own_site.transport()
    call = run.on("breaks", "echo $PPID >/run/session; sleep 4")
    thread_answers = {}
    worker = threading.Thread(target=lambda: thread_answers.update(transport.ask([call])))
    worker.start()
    session = until(lambda: node.sh("cat /run/session 2>/dev/null || true")).strip()
    node.sh(f"kill -9 {session}")
    worker.join()
    failure = thread_answers[call.key]
    assert failure.kind == "lost" and failure.unknown
    again = run.on("breaks", "echo back")
    assert transport.ask([again])[again.key] == "back\n"


def test_a_node_that_sheds_load_is_tried_again(own_site):
    """sshd closes connections without a word when too many are logging in."""
    node = own_site.add("busy")
    refused = []

    def serve(client):
        if len(refused) < 2:
            refused.append(client)
            client.close()
            return
        with socket.create_connection(("127.0.0.1", node.port)) as real:
            back = threading.Thread(target=relay, args=(real, client), daemon=True)
            back.start()
            relay(client, real)

    with odd(serve) as port:
        transport = own_site.transport((a_node("shy", node.host_key), port))
        call = run.on("shy", "echo fine")
        assert transport.ask([call])[call.key] == "fine\n"
    assert len(refused) == 2


def relay(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)


def test_ctrl_c_leaves_a_usable_transport(site):
    transport = site.transport()
    slow, quick = run.on("node1", "sleep 2; echo >/run/slow"), run.on("node1", "echo quick")
    main = threading.main_thread().ident
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()  # interrupts nothing but the lines below
    try:
        with pytest.raises(KeyboardInterrupt):
            transport.perform([slow], fence="81")
            timer.join()
    finally:
        timer.cancel()
    assert transport.ask([quick])[quick.key] == "quick\n"
    assert transport.wait_fence(["node1"], "81", 10) == {"node1": None}
    assert site.nodes["node1"].sh("cat /run/slow") == "\n"


def test_nothing_is_printed_by_libraries(site, host_key, capfd):
    for serve in (endless_banner, not_ssh, banner_then_silence):
        judged(site, serve, host_key[0])
    assert capfd.readouterr() == ("", "")


def test_no_known_hosts_of_the_user_is_read_or_written(own_site, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    own_site.add("clean")
    call = run.on("clean", "echo fine")
    assert own_site.transport().ask([call])[call.key] == "fine\n"
    assert not Path(tmp_path / "empty").exists()


def test_what_must_not_wait_for_dead_nodes(site, host_key):
    """Enough have answered: neither connecting nor silent nodes are waited for, not even at the
    end, and what they were sent does not come into the way of others."""
    with odd(says_nothing) as silent, dead_host() as dead:
        transport = site.transport((a_node("odd", host_key[0]), silent),
                                   (a_node("dead", host_key[0]), dead), connect=3600.0)
        names = (*site.nodes, "odd", "dead")
        frames = {name: Frame(text="echo fine") for name in names}
        rounds = [transport.frames(frames, deadline=3600.0, enough=2) for _ in range(2)]
        transport.close()
    for replies in rounds:
        assert {replies[name].out for name in site.nodes} == {b"fine\n"}
        assert {replies[name].kind for name in ("odd", "dead")} == {"timeout"}


def test_what_was_sent_first_comes_first_when_the_connection_takes_long(own_site, tmp_path):
    node = own_site.add("slow")
    gate = threading.Event()

    def serve(client):
        gate.wait(20)
        with socket.create_connection(("127.0.0.1", node.port)) as real:
            threading.Thread(target=relay, args=(real, client), daemon=True).start()
            relay(client, real)

    def append(word):
        return {"shy": Frame(text=f"echo {word} >>{tmp_path}/order")}

    with odd(serve) as port:
        transport = own_site.transport((a_node("shy", node.host_key), port), connect=20.0)
        assert transport.frames(append("one"), enough=0)["shy"].kind == "timeout"
        transport.post(append("two"))
        threading.Timer(0.2, gate.set).start()
        assert transport.frames(append("three"))["shy"].status == 0
    assert (tmp_path / "order").read_text().split() == ["one", "two", "three"]


def test_a_refused_connection_costs_nothing_and_is_not_tried_again(site):
    port = free_port()
    transport = site.transport((a_node("off", site.login), port), connect=60.0)
    call = run.on("off", "true")
    first = transport.ask([call])[call.key]
    with odd(says_nothing):
        again = transport.ask([call])[call.key]
    assert "refused" in first.problem.lower() and again is first
