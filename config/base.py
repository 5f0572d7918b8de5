"""The base: the whole state at one serial, signed; the journal of the same number follows it.

``[base]`` says where in the chain it stands.  ``head`` is the hash of the record it ends with, and
``previous`` the number of the base and journal before it; both are empty in a cluster's first base,
whose own hash begins the chain.  ``[signature]`` at the end signs every byte before it.
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
    from typing import Any

FORMAT = 1
TRAILER = b'[signature]\nsig = "'


class Header(Record):
    """``turn``, ``term``: of the record the base ends with."""

    format: int
    serial: int
    term: int
    turn: int
    time: float
    who: str
    head: str = ""
    previous: int = 0


class Base(Record):
    """A base taken apart.  ``head`` is the chain's hash at its serial."""

    header: Header
    body: bytes
    signature: str
    data: Mapping[str, Mapping[str, object]]  # {section: {key: object}}

    @property
    def head(self) -> str:
        return self.header.head or hex256(self.body)


def body(header: Header, data: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The bytes that are signed."""
    return canon.document(_tables(header, data), "base")


def _tables(
    header: Header, data: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    yield ("base",), {n: v for n, v in header.items() if n not in header.DEFAULTS or v}
    for section in KINDS:
        for key, thing in data.get(section, {}).items():
            yield ((section,) if section == "cluster" else (section, key)), thing


def signed(content: bytes, signature: str) -> bytes:
    """The file."""
    return content + TRAILER + signature.encode() + b'"\n'


def parse(data: bytes, where: str) -> Base:
    """Take a base apart; Damaged says what is wrong with it.  The signature is not checked here."""
    if len(data) > canon.MAX_DOCUMENT:
        raise Damaged(f"{where}: {len(data)} bytes are more than the {canon.MAX_DOCUMENT} allowed")
    at = data.rfind(b"\n" + TRAILER) + 1
    if not at or not data.endswith(b'"\n'):
        raise Damaged(f"{where}: it does not end with a signature (cut off?)")
    content = data[:at]
    document = canon.read(content, where)
    header = from_data(Header, document.pop("base", {}), f"{where}: base")
    if header.format != FORMAT:
        raise Damaged(f"{where}: format {header.format} is not known",
                      hint="use a newer gnt for this cluster")
    return Base(header=header, body=content, data=_sections(document, where),
                signature=data[at + len(TRAILER) : -2].decode("ascii", "replace"))


def start(data: bytes) -> str:
    """The head that a base's journal begins after, of a base that is known to be good."""
    at = data.rfind(b"\n" + TRAILER) + 1
    for line in data[: data.find(b"\n\n")].split(b"\n"):
        if line.startswith(b'head = "'):
            return line[8:-1].decode()
    return hex256(data[:at])


def _sections(document: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for section, things in document.items():
        if section not in KINDS:
            raise Damaged(f"{where}: there is no kind of object {section[:40]!r}")
        if section == "cluster":
            things = {"cluster": things}
        if type(things) is not dict or any(type(thing) is not dict for thing in things.values()):
            raise Damaged(f"{where}: {section} does not hold objects")
        sections[section] = things
    if "cluster" not in sections or type(sections["cluster"]["cluster"]) is not dict:
        raise Damaged(f"{where}: it has no cluster")
    return sections
