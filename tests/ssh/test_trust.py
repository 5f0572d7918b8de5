"""Host keys shown and pinned, consoles, and keys in ssh-agent."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from gnt.errors import GntError, Invalid, NodeFailed
from gnt.ssh import console, hostkeys, trust
from gnt.ssh.agent import Agent
from gnt.ssh.identity import Identities, public_keys
from gnt.ssh.peers import Target
from gnt.ssh.transport import SshTransport

from .conftest import free_port, keygen, run, until


@pytest.fixture
def agent(tmp_path):
    """A running ssh-agent with one ed25519 and one RSA key."""
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    until(path.exists)
    for kind in ("ed25519", "rsa"):
        keygen(tmp_path / kind, kind)
        subprocess.run(["ssh-add", "-q", tmp_path / kind], check=True, stderr=subprocess.DEVNULL,
                       env={**os.environ, "SSH_AUTH_SOCK": str(path)})
    yield path
    process.terminate()
    process.wait()


def test_the_keys_a_host_shows(own_site, tmp_path):
    more = keygen(tmp_path / "rsa", "rsa"), keygen(tmp_path / "ecdsa", "ecdsa")
    sshd = own_site.add("shown", more=f"HostKey {tmp_path}/rsa\nHostKey {tmp_path}/ecdsa")
    shown = trust.scan("localhost", sshd.port)
    assert shown.address == "127.0.0.1" and set(shown.keys) == {sshd.host_key, *more}
    listed = subprocess.run(["ssh-keygen", "-lf", sshd.home / "host_key.pub"], check=True,
                            capture_output=True, text=True).stdout
    assert shown.fingerprints[0] in listed


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid"])
def test_a_host_that_shows_none(host):
    with pytest.raises(NodeFailed) as caught:
        trust.scan(host, free_port(), deadline=2)
    assert caught.value.kind == "unreachable" and caught.value.hint and host in str(caught.value)


@pytest.mark.parametrize("line", [
    "", "ssh-ed25519", "ssh-ed25519 AAAA", "rubbish", "ssh-rsa AAAAC3NzaC1lZDI1NTE5",
    "ssh-ed25519 !!!!",
])
def test_what_is_not_a_public_key(line):
    with pytest.raises(Invalid):
        hostkeys.fingerprint(line)


def attached(sshd, site, *words: str, key: str = "", name: str = "") -> tuple[int, str]:
    """Exit status and output of a console on a terminal."""
    target = Target(name=name or sshd.name, address="127.0.0.1", port=sshd.port,
                    host_keys=(key or sshd.host_key,))
    body = (
        "import sys; from gnt.ssh.console import attach; from gnt.ssh.identity import Identities;"
        "from gnt.ssh.peers import Target;"
        f"sys.exit(attach(Target(**{target.__dict__!r}), "
        f"Identities(files=({str(site.home / 'login')!r},)), {words!r}))"
    )
    outer, inner = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", body], start_new_session=True,
                               stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    said = b""
    try:
        while piece := os.read(outer, 4096):
            said += piece
    except OSError:
        os.close(outer)  # the terminal's other end is gone: everything was said
    return process.wait(), said.decode()


def test_a_console_is_a_terminal_and_gives_the_exit_status(own_site):
    sshd = own_site.add("console")
    (sshd.home / "authorized_keys").write_text(f"restrict,pty {own_site.login}\n")
    script = "tty; echo \"it's $1\"; exit 7"
    status, said = attached(sshd, own_site, "sh", "-c", script, "sh", "a b")
    assert status == 7 and "/dev/pts/" in said and "it's a b" in said


def test_a_console_refuses_another_host_key(own_site, tmp_path):
    sshd = own_site.add("console")
    status, said = attached(sshd, own_site, "true", key=keygen(tmp_path / "other"))
    assert status == 255 and "HOST" in said.upper()


def test_a_console_here_needs_no_ssh():
    assert console.attach(None, Identities(), ("sh", "-c", "exit 3")) == 3
    assert console.attach(None, Identities(), ("sh", "-c", "kill -9 $$")) == 137


def test_login_with_keys_in_the_agent(own_site, agent, tmp_path):
    for kind in ("ed25519", "rsa"):
        sshd = own_site.add(f"only-{kind}")
        (sshd.home / "authorized_keys").write_text((tmp_path / f"{kind}.pub").read_text())
    transport = SshTransport(Identities(agent=str(agent)))
    own_site.tell(transport)
    calls = [run.on(name, "echo fine") for name in own_site.nodes]
    assert set(transport.ask(calls).values()) == {"fine\n"}
    transport.close()


def test_public_keys_of_files_and_agent(site, agent, tmp_path):
    identities = Identities(files=(str(site.home / "login"),), agent=str(agent))
    held = [" ".join((tmp_path / f"{kind}.pub").read_text().split()[:2])
            for kind in ("ed25519", "rsa")]
    assert public_keys(identities) == (site.login, *held)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_signatures_of_the_agent_verify(agent, kind):
    import paramiko

    (key,) = [key for key in Agent(str(agent)).held() if kind in key.public]
    signature = key.sign(b"data")
    public = paramiko.PKey.from_type_string(key.public.split()[0], key.blob)
    assert public.verify_ssh_sig(b"data", paramiko.Message(signature))
    assert not public.verify_ssh_sig(b"other", paramiko.Message(signature))


def test_an_agent_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(GntError, match="did not list"):
        Agent(str(tmp_path / "none")).held()
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(GntError, match="no ssh-agent") as caught:
        Agent()
    assert "ssh-add" in caught.value.hint


def test_a_key_with_a_passphrase(tmp_path):
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", path], check=True)
    with pytest.raises(Invalid, match="passphrase") as caught:
        public_keys(Identities(files=(str(path),)))
    assert caught.value.hint == f"type: ssh-add {path}"
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    both = public_keys(Identities(files=(str(path), str(other))))
    assert [key.split()[1] for key in both] == [other.with_suffix(".pub").read_text().split()[1]]
