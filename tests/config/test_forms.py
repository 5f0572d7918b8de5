"""Signatures, keys and digests of every wrong form: one thing wrong at a time, and it is said."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3  # noqa: F401 - imported before, as by any command
import stat
import subprocess
import sys

import pytest
from chains import KEY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gnt.config import canon, digest, signature, sqlite_state
from gnt.config.signature import base64, string
from gnt.errors import Damaged, UsageError

PUBLIC = signature.public_bytes(KEY.public)
TYPE = b"ssh-ed25519"


def made(magic=b"SSHSIG", version=1, key=None, namespace=b"gnt-config", reserved=b"",
         algorithm=b"sha256", inner=None, after=b""):
    """A signature of the empty message, each part of which can be another."""
    key = string(TYPE) + string(PUBLIC) if key is None else key
    raw = signature.unbase64(signature.sign(b"", KEY))[-64:]
    inner = string(TYPE) + string(raw) if inner is None else inner
    return base64(magic + version.to_bytes(4, "big") + string(key) + string(namespace)
                  + string(reserved) + string(algorithm) + string(inner) + after)


def test_a_signature_made_by_hand_is_one():
    assert made() == signature.sign(b"", KEY)
    assert signature.verify(b"", made(), "x") == KEY.public


@pytest.mark.parametrize(("changes", "said"), [
    ({"magic": b"SSHSIX"}, "not an SSH signature"), ({"version": 2}, "not an SSH signature"),
    ({"key": string(b"ssh-rsa") + string(PUBLIC)}, "not an Ed25519 key"),
    ({"key": string(TYPE) + string(PUBLIC[1:])}, "not an Ed25519 key"),
    ({"key": string(TYPE) + string(PUBLIC) + b"x"}, "something after its end"),
    ({"key": string(TYPE) + string(PUBLIC)[:-1]}, "ends too early"),
    ({"namespace": b"file"}, "made for b'file'"), ({"reserved": b"x"}, "made for"),
    ({"algorithm": b"md5"}, "hash 'md5' is not known"),
    ({"inner": string(b"ssh-rsa") + string(b"x" * 64)}, "not an Ed25519 signature"),
    ({"inner": string(TYPE) + string(b"x" * 63)}, "not an Ed25519 signature"),
    ({"inner": string(TYPE) + string(b"x" * 64) + b"x"}, "something after its end"),
    ({"inner": string(TYPE) + string(b"x" * 64)}, "not of this content"),
    ({"after": b"x"}, "something after its end"),
    ({"key": string(TYPE) + string(b"\xff" * 32)}, "not of this content"),
])
def test_one_part_of_a_signature_is_wrong(changes, said):
    with pytest.raises(Damaged, match=said) as caught:
        signature.verify(b"", made(**changes), "a record")
    assert caught.value.message.startswith("a record: ")


@pytest.mark.parametrize("spoil", [
    lambda line: line[:-1] + "B", lambda line: line + "=", lambda line: " " + line,
    lambda line: line[:40] + "\n" + line[40:], lambda line: line[:-4],
    lambda line: line + "AAAA", lambda line: "",
])
def test_there_is_one_spelling_of_a_signature(spoil):
    line = base64(signature.unbase64(made())[:-1])  # its end has bits to spare
    assert line.endswith("=")
    for text in (line, made()):
        with pytest.raises(Damaged):
            signature.verify(b"", spoil(text), "x")


def test_the_longest_signature():
    with pytest.raises(Damaged, match="too long"):
        signature.take_apart("A" * 1025, "x")
    with pytest.raises(Damaged, match="not an SSH signature"):
        signature.take_apart("A" * 1024, "x")


@pytest.mark.parametrize("text", [
    "", "ssh-ed25519", "ssh-rsa " + base64(string(TYPE) + string(PUBLIC)), "ssh-ed25519 !",
    "ssh-ed25519 " + base64(string(TYPE) + string(PUBLIC) + b"x"),
    "ssh-ed25519 " + base64(string(b"ssh-rsa") + string(PUBLIC)),
    "ssh-ed25519 " + base64(string(TYPE) + string(PUBLIC[:31])),
])
def test_what_is_no_public_key(text):
    with pytest.raises(UsageError, match="public key"):
        signature.normal(text)


def private(key=None, seed=None, public=PUBLIC, kinds=(TYPE, TYPE), checks=(7, 7), count=1,
            cipher=b"none", magic=b"openssh-key-v1\0", inner=PUBLIC):
    """The text of a private key file, each part of which can be another."""
    pair = (seed or bytes([1]) * 32) + (key or PUBLIC)
    part = b"".join(check.to_bytes(4, "big") for check in checks) + string(kinds[1])
    part += string(inner) + string(pair) + string(b"comment")
    blob = (magic + string(cipher) + string(b"none") + string(b"") + count.to_bytes(4, "big")
            + string(string(kinds[0]) + string(public)) + string(part))
    lines = base64(blob)
    wrapped = "\n".join(lines[k:k + 70] for k in range(0, len(lines), 70))
    return (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{wrapped}\n"
            "-----END OPENSSH PRIVATE KEY-----\n").encode()


def test_a_key_file_made_by_hand_is_one():
    key = signature.parse_key(private())
    assert key.public == KEY.public
    assert signature.verify(b"x", signature.sign(b"x", key), "x") == KEY.public
    assert signature.parse_key(b"\n\n " + private().replace(b"\n", b" \n\n")).public == KEY.public


@pytest.mark.parametrize(("changes", "said"), [
    ({"checks": (7, 8)}, "check numbers differ"), ({"count": 2}, "more than one key"),
    ({"count": 0}, "more than one key"), ({"magic": b"openssh-key-v2\0"}, "does not begin"),
    ({"kinds": (b"ssh-rsa", TYPE)}, "not an Ed25519 key"),
    ({"kinds": (TYPE, b"ssh-rsa")}, "not an Ed25519 key"),
    ({"inner": b"x" * 32}, "not an Ed25519 key"), ({"public": b"x" * 31}, "not an Ed25519 key"),
    ({"key": b"x" * 32}, "halves do not belong"), ({"seed": b"x" * 33}, "halves do not belong"),
])
def test_one_part_of_a_key_file_is_wrong(tmp_path, changes, said):
    (tmp_path / "key").write_bytes(private(**changes))
    with pytest.raises(UsageError, match=said) as caught:
        signature.read_key(str(tmp_path / "key"))
    assert "ssh-keygen" in caught.value.hint


@pytest.mark.parametrize("text", [
    b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
    b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "ä".encode(),
    private().replace(b"\n", b"\n!", 1).replace(b"b3Bl", b"b3B", 1),
])
def test_other_texts_are_no_key_files(text):
    with pytest.raises(ValueError):
        signature.parse_key(text)


def test_a_key_file_may_have_one_long_line(tmp_path):
    signature.make_key(str(tmp_path / "key"))
    begin, *lines, end, _ = (tmp_path / "key").read_text().split("\n")
    again = signature.parse_key(f"{begin}\n{''.join(lines)}\n{end}\n".encode())
    assert again.public == signature.read_key(str(tmp_path / "key")).public
    for text in (f"{''.join(lines)}\n{end}\n", f"-----BEGIN KEY-----\n{''.join(lines)}\n{end}\n",
                 f"{begin}\n{end}\n", ""):
        with pytest.raises(ValueError, match="it does not begin like one"):
            signature.parse_key(text.encode())
    (tmp_path / "key").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not an OpenSSH Ed25519 private key"):
        signature.read_key(str(tmp_path / "key"))


def test_a_passphrase_is_told_from_damage(tmp_path):
    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"words"))
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match="passphrase") as caught:
        signature.read_key(str(tmp_path / "key"))
    assert caught.value.hint == f"let ssh-agent hold it: ssh-add {tmp_path}/key"
    with pytest.raises(UsageError, match="No such file"):
        signature.read_key(str(tmp_path / "none"))


def test_a_new_key_is_for_its_owner_only(tmp_path):
    path = str(tmp_path / "deep" / "er" / "key")
    key = signature.make_key(path)
    assert signature.read_key(path).public == key.public
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "deep" / "er").st_mode) == 0o700
    with open(path + ".pub") as file:
        assert file.read() == f"{key.public} gnt\n"


def test_armour_is_taken_off_strictly():
    line = signature.sign(b"x" * 100, KEY)
    text = signature.armored(line)
    assert signature.unarmored(text, "x") == line
    assert max(map(len, text.splitlines())) == 70
    for other in (text[:-1], text + "\n", text.replace("\n", "\n\n", 1), line, "", "\n\n\n"):
        with pytest.raises(Damaged, match="not an SSH signature"):
            signature.unarmored(other, "x")


def test_what_verifying_cannot_explain_is_not_hidden():
    with pytest.raises(TypeError):
        signature.check(PUBLIC, "text", b"x")
    assert signature.check(b"short", b"x" * 64, b"x") is False
    assert signature.check(PUBLIC, b"x" * 64, b"x") is False


WITHOUT = """
import sys
from cryptography.hazmat.primitives.asymmetric import ed25519
for name in {names!r}:
    sys.modules[name] = None
from gnt.config import canon, digest, signature
key = signature.FileKey(bytes([1]) * 32, {public!r})
assert signature.verify(b"x", signature.sign(b"x", key), "x") == key.public
assert canon.read(b"[a]\\nb = 1\\n", "x") == {{"a": {{"b": 1}}}}
print(digest.hex256(b"x"))
"""


def test_without_the_quick_ways_the_answers_are_the_same():
    """No extension built, another Python, another cryptography: slower, nothing else."""
    names = ("gnt.htools_ext", "_sha256", "cryptography.hazmat.bindings._rust")
    done = subprocess.run([sys.executable, "-c", WITHOUT.format(names=names, public=KEY.public)],
                          capture_output=True, text=True, check=False)
    assert done.stdout.strip() == digest.hex256(b"x"), done.stderr


@contextlib.contextmanager
def not_built(names):
    """As on a machine without these modules."""
    from gnt import htools_ext
    from gnt.htools_ext import ctoml

    there = {name: sys.modules.get(name) for name in names}
    sys.modules.update(dict.fromkeys(names))
    del htools_ext.ctoml
    try:
        yield
    finally:
        htools_ext.ctoml = ctoml
        for name, module in there.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def test_a_module_that_is_missing_changes_no_answer():
    """The same in this process."""
    signed = signature.sign(b"x", KEY)
    with not_built(["gnt.htools_ext.ctoml", "_sha256", "cryptography.hazmat.bindings._rust",
                    "_sqlite3"]):
        assert canon.read(b"[a]\nb = 1\n", "x") == {"a": {"b": 1}}
        assert digest.hex256(b"x") == hashlib.sha256(b"x").hexdigest()
        assert signature.sign(b"x", KEY) == signed
        assert signature.verify(b"x", signed, "x") == KEY.public
        opened = sqlite_state.connect(":memory:")
    assert opened.execute("pragma synchronous").fetchone() == (0,)
    opened.close()


def test_large_texts_have_the_same_digest():
    for size in (digest.SMALL, digest.SMALL + 1):
        assert digest.sha256(b"x" * size) == hashlib.sha256(b"x" * size).digest()


def test_keys_made_here_are_not_encrypted():
    content = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    assert signature.parse_key(content).public == KEY.public
