"""A small ISO 9660 image with Rock Ridge names: what cloud-init's NoCloud data comes on.

One folder of small files, volume label as given, no dates: the same files make the same bytes.
Sources: ECMA-119 (ISO 9660), IEEE P1281 and P1282 (SUSP, Rock Ridge).
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SECTOR = 2048
FIRST = 16  # the first 16 sectors belong to the system
PATHS_L, PATHS_M, ROOT, FILES = 18, 19, 20, 21
FILE_MODE, FOLDER_MODE = 0o100444, 0o040555
NEVER = bytes((80, 1, 1, 0, 0, 0, 0))  # 1980-01-01


def image(label: str, files: Mapping[str, bytes]) -> bytes:
    """An image that holds these files in its root."""
    entries, content, sector = [], [], FILES
    for number, (name, data) in enumerate(sorted(files.items())):
        plain = f"F{number:07d}.;1".encode()  # the name for readers without Rock Ridge
        entries.append(_entry(plain, sector, len(data), _named(name) + _posix(FILE_MODE)))
        padded = data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")
        content.append(padded)
        sector += len(padded) // SECTOR
    root = _folder(entries)
    if len(root) > SECTOR:
        raise ValueError("too many files for one folder")
    paths = struct.pack("<BBIH", 1, 0, ROOT, 1), struct.pack(">BBIH", 1, 0, ROOT, 1)
    parts = [
        _descriptor(label, sector),
        b"\xffCD001\x01",
        paths[0] + b"\0\0",
        paths[1] + b"\0\0",
        root,
    ]
    return (
        bytes(FIRST * SECTOR) + b"".join(p.ljust(SECTOR, b"\0") for p in parts) + b"".join(content)
    )


def _both16(number: int) -> bytes:
    return struct.pack("<H", number) + struct.pack(">H", number)


def _both32(number: int) -> bytes:
    return struct.pack("<I", number) + struct.pack(">I", number)


def _descriptor(label: str, sectors: int) -> bytes:
    """The primary volume descriptor (ECMA-119, 8.4)."""
    nothing = b"0" * 16 + b"\0"
    return b"".join(
        (
            b"\x01CD001\x01\0",
            b" " * 32,
            label.encode().ljust(32),
            bytes(8),
            _both32(sectors),
            bytes(32),
            _both16(1),
            _both16(1),
            _both16(SECTOR),
            _both32(10),
            struct.pack("<II", PATHS_L, 0),
            struct.pack(">II", PATHS_M, 0),
            _entry(b"\0", ROOT, SECTOR, b"", folder=True),
            b" " * (4 * 128 + 3 * 37),
            nothing * 4,
            b"\x01\0",
        )
    )


def _entry(name: bytes, sector: int, size: int, more: bytes, *, folder: bool = False) -> bytes:
    """A directory record (ECMA-119, 9.1) with system-use fields."""
    fixed = b"\0" + _both32(sector) + _both32(size) + NEVER + bytes((2 if folder else 0, 0, 0))
    body = fixed + _both16(1) + bytes((len(name),)) + name
    body += b"\0" * (len(name) % 2 == 0) + more
    body += b"\0" * (len(body) % 2 == 0)
    return bytes((len(body) + 1,)) + body


def _folder(entries: list[bytes]) -> bytes:
    posix = _posix(FOLDER_MODE)
    sharing = b"SP\x07\x01\xbe\xef\0"  # SUSP is in use here
    known = b"RRIP_1991A"
    extension = bytes((69, 82, 8 + len(known), 1, len(known), 0, 0, 1)) + known  # "ER"
    here = _entry(b"\0", ROOT, SECTOR, sharing + posix + extension, folder=True)
    above = _entry(b"\1", ROOT, SECTOR, posix, folder=True)
    return here + above + b"".join(entries)


def _named(name: str) -> bytes:
    """Rock Ridge's alternate name."""
    text = name.encode()
    if len(text) > 100:
        raise ValueError(f"{name!r} is too long")
    return b"NM" + bytes((5 + len(text), 1, 0)) + text


def _posix(mode: int) -> bytes:
    """Rock Ridge's POSIX attributes."""
    return b"PX\x24\x01" + _both32(mode) + _both32(1) + _both32(0) + _both32(0)
