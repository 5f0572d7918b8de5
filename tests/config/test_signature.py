"""SSHSIG, held to the real ssh-keygen and ssh-agent."""

import os
import signal
import subprocess

import pytest
from chains import KEY, make_key
from hypothesis import given, settings
from hypothesis import strategies as st

from gnt.config import signature
from gnt.errors import Damaged, UsageError
from gnt.ssh.agent import Agent


def keygen(*words, stdin=b""):
    return subprocess.run(["ssh-keygen", *map(str, words)], input=stdin, capture_output=True,
                          check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key_file(folder):
    path = folder / "key"
    assert keygen("-q", "-t", "ed25519", "-N", "", "-C", "somebody", "-f", path).returncode == 0
    return path


@pytest.mark.parametrize("message", [b"", b"x", b"line\n" * 1000, bytes(range(256)) * 2000])
def test_openssh_believes_ours(folder, key_file, message):
    key = signature.read_key(str(key_file))
    (folder / "sig").write_text(signature.armored(signature.sign(message, key)))
    (folder / "allowed").write_text(f"me {key.public}\n")
    words = ("-Y", "verify", "-f", folder / "allowed", "-I", "me", "-s", folder / "sig", "-n")
    assert keygen(*words, "gnt-config", stdin=message).returncode == 0
    assert keygen(*words, "gnt-config", stdin=message + b"!").returncode != 0
    assert keygen(*words, "other", stdin=message).returncode != 0


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_we_believe_openssh(folder, key_file, algorithm):
    file = folder / f"message-{algorithm}"
    file.write_bytes(b"a change\n")
    assert keygen("-Y", "sign", "-f", key_file, "-n", "gnt-config", "-O", f"hashalg={algorithm}",
                  file).returncode == 0
    line = signature.unarmored((folder / f"{file.name}.sig").read_text(), "sig")
    public = signature.normal(key_file.with_suffix(".pub").read_text())
    assert signature.verify(b"a change\n", line, "x") == public
    with pytest.raises(Damaged, match="not of this content"):
        signature.verify(b"a chance\n", line, "x")


def test_a_signature_for_something_else_is_refused(folder, key_file):
    file = folder / "other"
    file.write_bytes(b"mail")
    keygen("-Y", "sign", "-f", key_file, "-n", "mail", file)
    line = signature.unarmored((folder / "other.sig").read_text(), "sig")
    with pytest.raises(Damaged, match="made for b'mail'"):
        signature.verify(b"mail", line, "x")


def test_fingerprints_are_openssh_s(key_file):
    shown = keygen("-l", "-f", key_file.with_suffix(".pub")).stdout.decode()
    assert signature.fingerprint(signature.read_key(str(key_file)).public) in shown.split()


def test_a_key_of_ours_is_one_of_openssh(folder):
    key = signature.make_key(str(folder / "made"))
    assert keygen("-y", "-f", folder / "made").stdout.decode().split()[:2] == key.public.split()
    with pytest.raises(FileExistsError):
        signature.make_key(str(folder / "made"))


def test_a_key_with_a_passphrase_belongs_in_the_agent(folder):
    keygen("-q", "-t", "ed25519", "-N", "secret words", "-f", folder / "locked")
    with pytest.raises(UsageError, match="passphrase") as caught:
        signature.read_key(str(folder / "locked"))
    assert "ssh-add" in caught.value.hint


def test_other_files_are_no_keys(folder):
    keygen("-q", "-t", "ecdsa", "-N", "", "-f", folder / "ecdsa")
    (folder / "text").write_text("hello\n")
    for name in ("ecdsa", "text", "nowhere"):
        with pytest.raises(UsageError):
            signature.read_key(str(folder / name))
    with pytest.raises(UsageError, match="not an Ed25519 public key"):
        signature.normal("ssh-rsa AAAA")


@pytest.fixture
def agent(folder, key_file):
    socket = str(folder / "agent.sock")
    if os.path.exists(socket):
        os.unlink(socket)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    env = {**os.environ, "SSH_AUTH_SOCK": socket}
    for _ in range(200):
        if subprocess.run(["ssh-add", "-q", str(key_file)], env=env, capture_output=True,
                          check=False).returncode == 0:
            break
    yield socket
    process.send_signal(signal.SIGTERM)
    process.wait()


def test_a_key_in_the_agent_signs(agent, key_file):
    (key,) = Agent(agent).held()
    line = signature.sign(b"by the agent", key)
    assert signature.verify(b"by the agent", line, "x") == signature.read_key(str(key_file)).public


LINE = signature.sign(b"message", KEY)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(LINE) - 1), st.sampled_from("ABCz09+/=\n \"\x00é"))
def test_any_changed_character_of_a_signature_is_found(at, char):
    changed = LINE[:at] + char + LINE[at + 1:]
    if changed == LINE:
        return
    with pytest.raises(Damaged):
        assert signature.verify(b"message", changed, "x") != KEY.public
        raise Damaged("another signer: not believed either")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_a_signature_are_refused(raw):
    with pytest.raises(Damaged):
        signature.verify(b"message", signature.base64(raw), "x")


def test_a_long_signature_is_refused_before_it_is_read():
    with pytest.raises(Damaged, match="too long"):
        signature.verify(b"message", "A" * 4096, "x")


def test_the_documented_interface_does_the_same():
    seed = bytes([1]) * 32
    quick, plain = signature._primitives(), signature._documented()
    assert quick.from_private_bytes(seed).sign(b"x") == plain.from_private_bytes(seed).sign(b"x")
    other = signature.public_bytes(make_key(2).public)
    raw = plain.from_private_bytes(seed).sign(b"x")
    assert not signature.check(other, raw, b"x")
    assert signature.check(signature.public_bytes(KEY.public), raw, b"x")
