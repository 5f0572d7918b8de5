"""Chains of records for tests: a signer, bases, and records that follow each other."""

from gnt.config import base as bases
from gnt.config import journal, signature
from gnt.config.journal import Entry, Put, Txn
from gnt.config.message import Head

CLUSTER = "6e8c1b1e-0000-4000-8000-000000000001"


def make_key(number=1):
    """A deterministic signing key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = bytes([number]) * 32
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return signature.FileKey(seed, signature.public_text(public))


KEY = make_key()


def first_data(signers=None, nodes=("n1", "n2", "n3")):
    """The state of a new cluster: nodes named n1 … are candidates, n1 is the master."""
    signers = signers or {"admin": KEY.public}
    return {
        "cluster": {"cluster": {"uuid": CLUSTER, "cluster_name": "test",
                                "master_node": f"uuid-{nodes[0]}"}},
        "groups": {"g1": {"uuid": "g1", "name": "default"}},
        "nodes": {f"uuid-{n}": {"uuid": f"uuid-{n}", "name": n, "primary_ip": "192.0.2.1",
                                "secondary_ip": "192.0.2.1", "group": "g1",
                                "master_candidate": True} for n in nodes},
        "signers": {name: {"name": name, "key": key} for name, key in signers.items()},
    }


def make_base(data=None, key=KEY, serial=1, term=1, turn=1, head="", previous=0, time=1.0):
    header = bases.Header(format=1, serial=serial, term=term, turn=turn, time=time,
                          who="root@test", head=head, previous=previous)
    body = bases.body(header, data or first_data())
    return bases.signed(body, signature.sign(body, key))


def make_entry(serial, prev, key=KEY, term=1, turn=1, **more):
    put = more.pop("put", (Put(path=f"nodes/x{serial}", value={"name": f"x{serial}"}),))
    body = journal.body(serial, Txn(term=term, turn=turn, prev=prev, time=more.pop("time", 2.0),
                                    who="root@test", operation="node modify", put=put, **more))
    return Entry(serial=serial, body=body, signature=signature.sign(body, key))


def follow(prev, first, count, **more):
    """``count`` records after the hash ``prev``, the first with this serial."""
    entries = []
    for serial in range(first, first + count):
        entry = make_entry(serial, prev, **more)
        entries.append(entry)
        prev = entry.hash
    return entries


def bytes_of(entries):
    return b"".join(entry.record for entry in entries)


def head_after(entry, base=1, term=1):
    return Head(term=term, serial=entry.serial, hash=entry.hash, base=base)


def first_head(base_bytes):
    parsed = bases.parse(base_bytes, "base")
    return Head(term=parsed.header.term, serial=parsed.header.serial, hash=parsed.head,
                base=parsed.header.serial)
