"""Exported histories, keys that are typed, and the values that are sealed with one."""

from __future__ import annotations

import contextlib
import os
import tempfile

from gnt.commands.cluster import _signer
from gnt.commands.instance import _batch, _private
from gnt.config import consent, export, journal, signature
from gnt.config.consent import NAMESPACE
from gnt.config.history import Chapter
from gnt.config.journal import Put
from gnt.config.memory_state import FollowingState
from gnt.config.trust import Pin, Trusted
from gnt.config.verify import verify
from gnt.errors import GntError, Invalid
from gnt.session import vault
from tests.fuzz.of_config import BASE, CHAIN, CLUSTER, FIRST, KEY, PRIVATE
from tests.fuzz.target import target, text

ROOTS = (KEY.public,)


def _exported() -> dict[str, bytes]:
    chapter = Chapter(number=1, base=BASE, journal=CHAIN)
    return dict(export._files([chapter], *reversed(verify([chapter], ROOTS))))


EXPORTED = _exported()
NAMES = sorted(EXPORTED)


@target(words="-----BEGIN SSH SIGNATURE----- -----END " + " ".join(NAMES), seeds=(
    b"\xff", *(bytes([k]) + EXPORTED[name] for k, name in enumerate(NAMES))))
def exported(data: bytes) -> object:
    """A folder in which one file (the first byte says which) holds something else, or is new."""
    files = dict(EXPORTED)
    if data[:1] and data[0] < len(NAMES):
        files[NAMES[data[0]]] = data[1:]
    elif data[1:]:
        files[f"records/{text(data[1:40]).translate({0: 'x', 47: 'x'})}.toml"] = b""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with contextlib.suppress(UnicodeEncodeError), open(f"{folder}/{name}", "wb") as file:
                file.write(content)
        verified, state = verify(export.read(folder), ROOTS)
        export.check(folder, state, verified)
    checked = {name for name in NAMES if name not in ("README", "allowed_signers")}
    assert all(files[name] == EXPORTED[name] for name in checked)
    return True


@target(words="ssh-ed25519 ssh-rsa ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAI AAAAB3NzaC1yc2E x",
        seeds=(KEY.public + " me@x", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB x", "ssh-ed25519 AAAA"))
def typed_key(data: bytes) -> object:
    """A public key on the command line; a name of a file is another matter."""
    line = "ssh-" + text(data).removeprefix("ssh-") + " x"
    read = []
    for kind in (_signer.PUBLIC_KEY, _signer.LOGIN_KEY):
        with contextlib.suppress(Invalid):
            read.append(kind.read(line, "KEY"))
    if not read:
        return None
    if read[0].startswith("ssh-ed25519") and len(read) == 2:
        assert signature.normal(read[0]) == read[0]
    assert all("\n" not in key and len(key.split(" ")) == 2 for key in read), read
    return read


SIV = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def _sealed() -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV(b"0123456789abcdef0123456789abcdef").encrypt(b"owner/name\0value", None)


@target(words="= AAAA", seeds=(SIV.encode() + b"\0" + _sealed(), SIV.encode() + b"\0x", b"AAAA\0x"))
def sealed(data: bytes) -> object:
    """A key that a node says it holds, and what is to be opened with it."""
    key, _, content = data.partition(b"\0")
    value = vault._opened(text(key), content)
    assert value in (None, "owner/name\0value")
    return value


@target(words="user-data= seed= @/etc/hostname @ sealed:1: secret:1: default = ,",
        seeds=("password=x", "a=sealed:1:AAAA", "b=default"))
def private(data: bytes) -> object:
    """Private OS parameters: nobody can pass a mark off as a value."""
    name, _, value = text(data).partition("=")
    if value.startswith("@"):
        return None  # a file of this machine
    read = _private.read({name: value}, "--os-parameters-private")
    assert not any(one.startswith(("sealed:1:", "secret:1:")) for one in read.values())
    return read


BATCH = (b'[{"instance_name": "web", "disk_template": "diskless", "disks": [], "nics": [{}],'
         b' "beparams": {"memory": "1g"}, "tags": ["a"]}]')


@target(words='[] {} "instance_name" "disks" "nics" "beparams" "size" "1g" null true 1 -1 "pnode" '
              '"hvparams" "mode" "create" "tags" "os_type" "snode"', seeds=(
    BATCH, b'[{"name": "db", "disk_template": "file", "disks": [{"size": 1024}], "pnode": "n1"}]'))
def batch(data: bytes) -> object:
    """The file of batch-create."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        made = _batch.read(file.name)
    assert len({add.name for add in made}) == len(made) > 0
    return made


@target(words="-----BEGIN -----END OPENSSH PRIVATE KEY----- AAAA", seeds=(PRIVATE, "x"))
def key_file(data: bytes) -> object:
    """The file of a signing key: every refusal says what to do."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            return signature.read_key(file.name)
        except GntError as error:
            assert error.hint
            return None



def _unsigned(**more: object) -> bytes:
    txn = journal.Txn(term=1, turn=1, prev=FIRST, time=2.5, who="root@test", operation="x", **more)
    return journal.body(2, txn)


CONSENTED = {**CLUSTER, "signer_threshold": 2, "guard": 1}


@target(words="[txn.2] term turn prev put drop path value operation consent = \"cluster/cluster\" "
        "\"signers/admin\" \"signers/b\" \"nodes/n1\" guard schema uuid key name expires 0 -1 1.5 "
        "true {} [] \"cluster destroy\"", seeds=(
    _unsigned(put=(Put(path="nodes/n2", value={"name": "x"}),)),
    _unsigned(put=(Put(path="cluster/cluster", value=CONSENTED),)),
    _unsigned(put=(Put(path="signers/b", value={"name": "b", "key": KEY.public}),)),
    _unsigned(drop=("signers/admin",)), _unsigned(drop=("nodes/n1", "groups/g1"))))
def followed(data: bytes) -> object:
    """Whatever a signer signs: it is followed, or refused with the reason, and leaves a state from
    which others can go on."""
    if not data.startswith(b"[txn.") or not data.endswith(b"\n") or b"\nsig = " in data:
        return None
    entry = journal.Entry(serial=2, body=data, signature=signature.sign(data, KEY))
    trusted = Trusted(FollowingState(), Pin(signers=ROOTS))
    trusted.begin(BASE, "base-1.toml")
    good = trusted.believable([entry], "x")
    try:
        trusted.follow(entry, "x")
    except GntError:
        assert trusted.position.serial == 1
        raise
    assert good and trusted.signers()
    assert trusted.state.load("cluster", "cluster")["uuid"] == CLUSTER["uuid"]
    return trusted.position


@target(words="gnt-consent-1 cluster change signature AAAA", seeds=(
    "gnt-consent-1\ncluster c1\nchange 3\nsigner b\nsignature AAAA\n", "gnt-consent-1\n", "x\n"))
def consent_file(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        file = consent.ConsentFile(f"{folder}/consent")
        with open(file.path, "wb") as opened:
            opened.write(data)
        said, signatures = file.read()
        file.sign(KEY)
        again, more = file.read()
    assert again == said and set(more) == {*signatures, signature.sign(said, KEY, NAMESPACE)}
    return said
