"""Was every promise kept?  Re-derived from bytes, without the product's code.

Records are told apart by a pattern, read with Python's own ``tomllib``, hashed with ``hashlib`` and
their signatures checked with ``cryptography``; what was acknowledged is known from the clients.
Each rule yields what it found wrong, as text.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from base64 import b64decode

RECORD = re.compile(rb'(\[txn\.(\d+)\]\n.*?\n)sig = "([^"\n]*)"\n\n', re.DOTALL)
WRITES = ("append", "commit", "install")
OK = 0


class Found:
    """One record."""

    def __init__(self, body, serial, signature):
        self.body, self.serial, self.signature = body, serial, signature
        self.hash = hashlib.sha256(body).hexdigest()
        self.txn = tomllib.loads(body.decode())["txn"][str(serial)]
        self.prev = self.txn["prev"]


class Files:
    """Everything that is, or was, on the candidates' disks."""

    def __init__(self, snapshots):
        self.records, self.bases = {}, {}
        blobs = {data for files in snapshots for data in files.values()}
        for data in blobs:
            for match in RECORD.finditer(data):
                found = Found(match[1], int(match[2]), match[3])
                self.records[found.hash] = found
            if data.startswith(b"[base]\n") and b"\n[signature]\n" in data and (
                    data.endswith(b'"\n')):  # a torn one may end anywhere
                self._base(data)

    def _base(self, data):
        body = data[:data.rindex(b"[signature]\n")]
        state = tomllib.loads(body.decode())
        start = state["base"].get("head") or hashlib.sha256(body).hexdigest()
        self.bases[start] = state

    def chain(self, head):
        """The records that lead to a head, oldest first, and the first base's state."""
        chain = []
        while head in self.records:
            chain.append(self.records[head])
            head = chain[-1].prev
        return chain[::-1], self.bases.get(head)


def signed(record, public):
    """Whether the record carries a signature of ``public`` (32 bytes) in the format SSHSIG."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def text(data):
        return len(data).to_bytes(4, "big") + data
    raw = b64decode(record.signature)
    data = (b"SSHSIG" + text(b"gnt-config") + text(b"") + text(b"sha256")
            + text(hashlib.sha256(record.body).digest()))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw[-64:], data)
    except InvalidSignature:
        return False
    return public in raw


def one_history(heads, files, public):
    """All candidates end with one head, whose chain is whole and signed."""
    if len(set(heads.values())) != 1:
        yield f"the candidates disagree: {sorted(set(heads.values()))}"
        return
    head = next(iter(heads.values())).split()
    chain, base = files.chain(head[2])
    if base is None or base["base"]["serial"] != 1:
        yield f"the chain to {head[1]} does not begin with the first base"
    serials = [record.serial for record in chain]
    if serials != list(range(2, int(head[1]) + 1)):
        yield f"the chain to {head[1]} has the serials {serials}"
    order = [(r.txn["term"], r.txn["turn"]) for r in chain]
    if order != sorted(order):
        yield f"terms and turns go back: {order}"
    yield from (f"record {r.serial} is not signed" for r in chain if not signed(r, public))


def linearizable(chain, events):
    """What was acknowledged is there once, in an order that agrees with real time."""
    place = {}
    for record in chain:
        token = record.txn.get("note", "")
        if token:
            place.setdefault(token, []).append(record.serial)
    yield from (f"{token} is in the history twice: {at}" for token, at in place.items()
                if len(at) > 1)
    done = [e for e in events if e.kind == "commit" and e.acknowledged]
    yield from (f"{e.token} was acknowledged (serial {e.serial}) and is lost" for e in done
                if e.token not in place)
    done = [e for e in done if e.token in place]
    for first in done:
        for second in done:
            if first.end < second.start and place[first.token] > place[second.token]:
                yield f"{first.token} ended before {second.token} began, but comes after it"


def reads(chain, events, restored=False):
    """Who reads sees a state that was committed, and not an older one than was acknowledged.

    A master that has heard of no later term cannot know what others committed in one, and one that
    was ``restored`` has forgotten.
    """
    records = {record.serial: record for record in chain}
    done = [e for e in events if e.acknowledged and e.kind == "commit"]
    for read in events:
        if read.kind != "read" or not read.acknowledged:
            continue
        if read.serial > 1 and (
                read.serial not in records or records[read.serial].hash != read.hash):
            yield f"{read.client} read serial {read.serial}, which is not in the history"
        newest = max([e.serial for e in done if e.end < read.start and e.serial in records
                      and records[e.serial].txn["term"] <= read.heard], default=0)
        if read.serial < newest and not restored:
            yield f"{read.client} read serial {read.serial} after {newest} was acknowledged"


def no_forks(heads):
    """No two heads with one (term, serial) were ever believed."""
    seen = {}
    for where, content in heads:
        words = content.split()
        if len(words) != 4:
            yield f"{where}: a torn head: {content!r}"
            continue
        known = seen.setdefault((words[0], words[1]), (where, words[2]))
        if known[1] != words[2]:
            yield f"{known[0]} and {where} have different heads of term {words[0]}, {words[1]}"


def terms(nodes):
    """A node that was fenced with a term, got a record of it, or did a task of it, does nothing of
    a lower one."""
    for name, events in nodes.items():
        highest = 0
        for kind, term, status in events:
            if kind == "restored":
                highest = 0
            elif status == OK and kind in ("task", "fence", *WRITES):
                if term < highest:
                    yield f"{name} did a {kind} of term {term} after term {highest}"
                highest = max(highest, term)


def exclusive(chain):
    """At no time two begun jobs have the same object, by what they record and by what they do."""
    jobs = {}
    for record in chain:
        for put in record.txn.get("put", ()):
            if put["path"].startswith("jobs/"):
                jobs[put["path"]] = put["value"]
        for path in record.txn.get("drop", ()):
            jobs.pop(path, None)
        begun = [job for job in jobs.values() if job["state"] != "waiting"]
        names = [job["params"]["name"] for job in begun if job["operation"] != "toy tidy"]
        if len(set(names)) < len(names):
            yield f"at serial {record.serial} two jobs work on one thing: {names}"
        for job in begun:
            for other in begun:
                both = set(job.get("exclusive", ())) & {
                    *other.get("exclusive", ()), *other.get("shared", ())}
                if job is not other and both:
                    yield f"at serial {record.serial} two jobs hold {sorted(both)}"


def state(chain, base):
    """The objects that the records come to: {path: value}."""
    made = {}
    for section, things in (base or {}).items():
        if section not in ("base", "cluster") and isinstance(things, dict):
            made.update({f"{section}/{key}": value for key, value in things.items()})
    for record in chain:
        for put in record.txn.get("put", ()):
            made[put["path"]] = put["value"]
        for path in record.txn.get("drop", ()):
            made.pop(path, None)
    return made


def owned(objects, things):
    """After recovery no job is left, and nothing exists or is reserved that nobody owns."""
    yield from (f"{path} is left" for path in objects if path.startswith("jobs/"))
    slots, wanted = set(), set()
    for path, value in objects.items():
        tags = value.get("tags", ())
        if path.startswith("groups/") and tags:
            slots.add(int(tags[0].removeprefix("slot")))
            nodes = tags[1].removeprefix("on-").split(",")
            wanted |= {(node, f"{value['name']}-{number}") for number, node in enumerate(nodes)}
            if "ready" not in tags:
                yield f"{path} was never finished"
    taken = {at for at, mark in enumerate(objects["networks/net"]["reservations"]) if mark == "X"}
    if taken != slots:
        yield f"reserved are {sorted(taken)}, owned {sorted(slots)}"
    if things != wanted:
        yield f"things nobody owns: {sorted(things - wanted)}; missing: {sorted(wanted - things)}"


def finished(chain, events):
    """A job that was reported as done is recorded as done, once."""
    results = {}
    for record in chain:
        if record.txn.get("result"):
            results.setdefault(record.txn.get("job", ""), []).append(record.txn["result"])
    for event in events:
        if event.kind == "job" and event.acknowledged and results.get(event.token) != ["success"]:
            yield f"job {event.token} was reported as done; recorded is {results.get(event.token)}"
