"""The records of the journal: what one transaction did, who signed it, and how records chain.

A record is a plain TOML table, ``[txn.N]``, whose last line is the signature, then an empty line.
What is signed is the *body*: the bytes before the line ``sig = …``.  The SHA-256 of the body is
the head after the record, and the next record's ``prev``.  Strings never hold a raw line end, so
lines can be told apart without a parser; node scripts rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gnt.config import canon
from gnt.config.digest import hex256
from gnt.errors import Damaged
from gnt.model.codec import from_data
from gnt.model.objects import KINDS
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RECORD = 4 * 1024 * 1024  # bytes; a big plan takes some 100 kB
MAX_JOURNAL = 64 * 1024 * 1024
MAX_KEY = 256  # characters of an object's key
SIGNATURE_LINE = b'\nsig = "'
RECORD_END = b'"\n\n'


class Put(Record):
    path: str
    value: Mapping[str, object]


class Txn(Record):
    """One transaction.  ``prev`` is the head before it; ``job`` the job it belongs to."""

    term: int
    turn: int
    prev: str
    time: float
    who: str
    operation: str
    job: str = ""
    reason: str = ""
    note: str = ""
    result: str = ""  # how the job ended, in its last transaction
    consent: tuple[str, ...] = ()  # others' signatures (gnt.config.consent)
    put: tuple[Put, ...] = ()
    drop: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The objects that it sets or takes away."""
        return [put.path for put in self.put] + list(self.drop)


class Entry(Record):
    """One record as bytes.  ``hash`` is the head after it."""

    serial: int
    body: bytes
    signature: str

    @property
    def hash(self) -> str:
        return hex256(self.body)

    @property
    def record(self) -> bytes:
        return self.body + b'sig = "' + self.signature.encode() + RECORD_END


def body(serial: int, txn: Txn) -> bytes:
    """The bytes that are signed."""
    data = {name: item for name, item in txn.items() if item not in ("", ())}
    if txn.put:
        data["put"] = [{"path": put.path, "value": put.value} for put in txn.put]
    text = canon.table(("txn", str(serial)), data)
    encoded = canon.encode(text, f"txn.{serial}")
    if len(encoded) > MAX_RECORD:
        raise Damaged(f"a change of {len(encoded)} bytes is more than the {MAX_RECORD} allowed",
                      hint="do it in several steps")
    return encoded


def parse(entry: Entry, where: str) -> Txn:
    """What a record says; Damaged when it is not one transaction of the serial it claims."""
    document = canon.read(entry.body, where, MAX_RECORD)
    tables = document.get("txn")
    if list(document) != ["txn"] or type(tables) is not dict or list(tables) != [str(entry.serial)]:
        raise Damaged(f"{where}: it holds more than the transaction {entry.serial}")
    txn = from_data(Txn, tables[str(entry.serial)], where)
    for path in txn.paths:
        check_path(path, where)
    return txn


def check_path(path: str, where: str) -> tuple[str, str]:
    """The section and key of ``kind/key``; Damaged when there can be no such object."""
    section, slash, name = path.partition("/")
    if section not in KINDS or not slash or not 0 < len(name) <= MAX_KEY:
        raise Damaged(f"{where}: {path[:80]!r} is not the path of an object")
    if section == "cluster" and name != "cluster":
        raise Damaged(f"{where}: there is one cluster object, cluster/cluster, not {path[:80]!r}")
    if not name.isprintable():
        raise Damaged(f"{where}: {path[:80]!r} holds characters that cannot be shown")
    return section, name


def split(data: bytes, where: str) -> tuple[list[Entry], int]:
    """The complete records of a journal and how many bytes they take; a torn tail is left over."""
    entries: list[Entry] = []
    at = 0
    for at, stop, entry in _walk(data, where):
        entries.append(entry)
        at = stop
    return entries, at


def first_prev(data: bytes) -> str:
    """The head that a journal's first record follows; empty when there is none."""
    return data.partition(b'\nprev = "')[2][:64].decode("ascii", "replace")


def _walk(data: bytes, where: str) -> Iterator[tuple[int, int, Entry]]:
    at = 0
    while at < len(data):
        mark = data.find(SIGNATURE_LINE, at)
        stop = data.find(RECORD_END, mark) if mark >= 0 else -1
        if stop < 0:
            return
        if stop - at > MAX_RECORD:
            raise Damaged(f"{where}, byte {at}: a record of {stop - at} bytes")
        body, raw = data[at : mark + 1], data[mark + len(SIGNATURE_LINE) : stop]
        yield at, stop + len(RECORD_END), Entry(
            serial=_serial(body, f"{where}, byte {at}"), body=body,
            signature=raw.decode("ascii", "replace"))
        at = stop + len(RECORD_END)


def _serial(content: bytes, where: str) -> int:
    first, _, _ = content.partition(b"\n")
    digits = first[5:-1]
    if first[:5] != b"[txn." or first[-1:] != b"]" or not digits.isdigit() or len(digits) > 18:
        raise Damaged(f"{where}: a record does not begin with [txn.N] but with {first[:40]!r}")
    return int(digits)
