"""The signed configuration: its files, its records, its signatures, what candidates answer."""

from __future__ import annotations

import tempfile

from gnt.config import base as bases
from gnt.config import canon, context, journal, remote, signature
from gnt.config.candidate import LocalCandidate
from gnt.config.digest import hex256
from gnt.config.disk import CacheDisk
from gnt.config.journal import Put, Txn
from gnt.config.memory_state import FollowingState
from gnt.config.message import OK, Fetch, Head, read_head
from gnt.config.replica import Memory, Replica
from gnt.config.trust import Pin
from gnt.engine.ports import Reply
from gnt.errors import Damaged, GntError
from gnt.model.codec import from_data, to_data
from gnt.model.objects import KINDS
from tests.fuzz.target import target, text

SEED = bytes([1]) * 32
CLUSTER = {"uuid": "c1", "cluster_name": "test", "master_node": "n1"}


def _key() -> signature.FileKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    return signature.FileKey(SEED, signature.public_text(public))


KEY = _key()
STATE = {
    "cluster": {"cluster": CLUSTER}, "groups": {"g1": {"uuid": "g1", "name": "default"}},
    "nodes": {"n1": {"uuid": "n1", "name": "a b\t\u00e9", "primary_ip": "192.0.2.1",
                     "secondary_ip": "192.0.2.1", "group": "g1", "master_candidate": True}},
    "signers": {"admin": {"name": "admin", "key": KEY.public}},
}
HEADER = bases.Header(format=1, serial=1, term=1, turn=1, time=1.5, who="root@test")
BODY = bases.body(HEADER, STATE)
BASE = bases.signed(BODY, signature.sign(BODY, KEY))


def _record(serial: int, prev: str, **more: object) -> bytes:
    txn = Txn(term=1, turn=1, prev=prev, time=2.5, who="root@test", operation="node modify", **more)
    body = journal.body(serial, txn)
    return journal.Entry(serial=serial, body=body, signature=signature.sign(body, KEY)).record


JOURNAL = _record(2, "0" * 64, put=(Put(path="nodes/n2", value={"name": "x", "tags": ["a"]}),))
JOURNAL += _record(3, "1" * 64, drop=("nodes/n2",), job="2", reason="why \\ \"not\"\n")
TOML = ('[ ] . = "" \\u0041 \\n \' {} {a=1} [1,2] 1.5 1e5 -1 true false inf nan 0x1 1979-05-27 # '
        '""" [[a]] a.b [a.b]')
RECORD = TOML + " term turn prev time who operation put drop path value sig [txn.2] [txn.3] nodes/"


@target(words=TOML, seeds=(BODY, "a = 1\n", '[a.b]\nc = [1, {d = "e"}]\nf = -1.5\n'))
def toml(data: bytes) -> object:
    """What is read is what the writer would have written, in whatever form it came."""
    read = canon.read(data, "x")
    text = "".join(f"{canon.key(name)} = {canon.value(item)}\n" for name, item in read.items())
    assert repr(canon.read(text.encode(), "x")) == repr(read)
    return read


@target(words=TOML + " [base] [cluster] [nodes.n1] [signature] format serial head previous",
        seeds=(BASE,))
def base(data: bytes) -> object:
    taken = bases.parse(data, "base-1.toml")
    again = bases.parse(bases.signed(bases.body(taken.header, taken.data), taken.signature), "x")
    assert (again.header, again.data) == (taken.header, taken.data)
    assert taken.data["cluster"]
    for section, things in taken.data.items():
        for key, thing in things.items():
            path = journal.check_path(f"{section}/{key}", "x")
            assert path == (section, key)
            _object(section, thing)
    return taken


def _object(section: str, thing: object) -> None:
    """An object that the model takes is the same after it was written and read."""
    try:
        made = from_data(KINDS[section], thing, section)  # type: ignore[arg-type]  # any table
    except Damaged:
        return
    assert from_data(KINDS[section], to_data(made), section) == made


@target(name="journal", words=RECORD, seeds=(JOURNAL, JOURNAL[:-7], JOURNAL[:200]))
def records(data: bytes) -> object:
    """Records are told apart as bytes, and what one says is what a writer would have said."""
    entries, used = journal.split(data, "journal-1.toml")
    if data.isascii() and b'sig = "\n' not in data:
        assert b"".join(entry.record for entry in entries) == data[:used]
    said = [journal.parse(entry, "journal-1.toml") for entry in entries]
    for entry, txn in zip(entries, said, strict=True):
        again = journal.Entry(serial=entry.serial, body=journal.body(entry.serial, txn),
                              signature="")
        assert journal.parse(again, "x") == txn
    return said or None


FIRST = bases.parse(BASE, "x").head
CHAIN = _record(2, FIRST, put=(Put(path="nodes/n2", value={"name": "x"}),))
HEAD = Head(term=1, serial=2, hash=hex256(CHAIN[:CHAIN.find(b"\nsig = ") + 1]), base=1)


@target(words=f"0 1 2 -1 {HEAD.hash} {'a' * 64} +1", seeds=(
    f"{HEAD.line}\0" "1 1\0" "1\n", f"1 1 {FIRST} 1\n\0\0", "\0\0", f"{HEAD.line}\n\0" "9 9"))
def head(data: bytes) -> object:
    """The small files of a candidate (head, turn, term; a NUL between): what it stands by."""
    lines = [*data.split(b"\0", 2), b"", b""][:3]
    with tempfile.TemporaryDirectory() as folder:
        disk = CacheDisk(f"{folder}/config")
        disk.prepare()
        for name, content in zip(("head", "turn", "../term"), lines, strict=True):
            if content:
                disk.replace(name, content)
        disk.replace("base-1.toml", BASE)
        disk.replace("journal-1.toml", CHAIN)
        said = LocalCandidate(disk).answer(Fetch())
        Replica(disk, FollowingState(), Pin(signers=(KEY.public,))).open()
    if said.status != OK:
        assert said.problem
        return None
    assert said.head == Head() or read_head(said.head.line) == said.head
    assert min(*said.seen, said.fence) >= 0
    return said


SIGNED = signature.sign(b"message", KEY)


@target(name="signature", words="AAAA AAAAB SSHSIG = == gnt-config sha512 /", seeds=(
    SIGNED, SIGNED[:-4], signature.sign(b"other", KEY), signature.sign(b"message", KEY, "mail")))
def sshsig(data: bytes) -> object:
    """One text, one signature: nothing but the very line that was made is believed."""
    line = text(data)
    parts = signature.take_apart(line, "x")
    assert signature.public_text(signature.public_bytes(parts.public)) == parts.public
    assert signature.unarmored(signature.armored(line), "x") == line
    author = signature.verify(b"message", line, "x")
    assert author == KEY.public
    assert line == SIGNED
    return author


@target(words="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI ssh-rsa = # namespaces=\"x\" *", seeds=(
    KEY.public, f"{KEY.public} root@host\n", "ssh-rsa AAAA x", "  " + KEY.public))
def public_key(data: bytes) -> object:
    """A line of ``allowed_signers``, ``authorized_keys`` or a ``.pub`` file, without options."""
    public = signature.normal(text(data))
    assert signature.normal(public) == public
    assert signature.fingerprint(public).startswith("SHA256:")
    return public


PRIVATE = b"""-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz
c2gtZWQyNTUxOQAAACCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXAAA
AIj33lyF995chQAAAAtzc2gtZWQyNTUxOQAAACCKiOPddAnxlf1S2y08ul1yymcJ
vx2UEhvzdIgBtA9vXAAAAEABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB
AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29cAAAAAAECAwQF
-----END OPENSSH PRIVATE KEY-----
"""


@target(words="-----BEGIN -----END OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjE AAAA = bm9uZQ",
        seeds=(PRIVATE, PRIVATE[:200]))
def private_key(data: bytes) -> object:
    """Documented to raise ValueError (or its kin of bad base64), which ``read_key`` explains."""
    from binascii import Error

    try:
        key = signature.parse_key(data)
    except (ValueError, Error):
        return None
    except signature._Encrypted:
        return "encrypted"
    assert signature.verify(b"x", signature.sign(b"x", key), "x") == key.public
    return key


@target(words=TOML + " name cluster signers nodes login agent signer here digest base_signer",
        seeds=('cluster = "c1"\nsigners = ["ssh-ed25519 AAAA"]\nagent = false\n',
               'signers = []\ndigest = ""\nbase_signer = ""\nterm = 1\nserial = 2\n'))
def pins(data: bytes) -> object:
    """A context's file, and the memory of the verified copy."""
    read = canon.read(data, "x")
    made = []
    for kind, more in ((context.Context, {"name": "c"}), (Memory, {})):
        try:
            found = from_data(kind, {**read, **more}, "x")
        except Damaged:
            continue
        assert from_data(kind, to_data(found), "x") == found
        made.append(found)
    return made or None


STANDING = f"standing 1 2 {'a' * 64} 1 1 1 1 2 {'a' * 64}\n"


@target(words="standing turn part base journal - 0 1 -1 " + "a" * 64, seeds=(
    f"0\n{STANDING}", f"0\n{STANDING}part journal 1 0 3\nabc", "0\nturn 1 2\n", "14\n",
    f"0\n{STANDING}part base 1 0 2\nab{STANDING}"))
def candidate(data: bytes) -> object:
    """What a candidate answers over SSH; the first line stands for the exit status."""
    first, _, out = data.partition(b"\n")
    status = int(first) if first.isdigit() and len(first) < 4 else 0
    try:
        said = remote.answer(Reply(status=status, out=out, err=out[:80]), "node1")
    except GntError as failure:
        assert "node node1" in failure.message
        return None
    numbers = (said.head.term, said.head.serial, said.head.base, *said.seen, said.fence,
               said.tail[0], *said.turn, *(part.offset for part in said.parts),
               *(part.number for part in said.parts))
    assert min(numbers) >= 0
    assert all(part.kind in ("base", "journal") for part in said.parts)
    return said
