"""What an image file is, by its first bytes, and whether it is safe to read.

A qcow2 file can name other files that reading it would open (backing file, external data file), so
such features are refused before any tool touches it.  Source: QEMU's docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct

from gnt.errors import Invalid
from gnt.record import Record

HEAD = 512  # bytes that must be looked at
SECTOR = 512

OTHERS = (
    (b"KDMV", "a VMDK image"),
    (b"COWD", "a VMDK image"),
    (b"# Disk DescriptorFile", "a VMDK image"),
    (b"vhdxfile", "a VHDX image"),
    (b"conectix", "a VHD image"),
    (b"<<< ", "a VDI image"),
    (b"LUKS\xba\xbe", "an encrypted (LUKS) image"),
    (b"QED\0", "a QED image"),
    (b"WithoutFreeSpace", "a Parallels image"),
    (b"WithouFreSpacExt", "a Parallels image"),
)
PACKED = (
    (b"\x1f\x8b", "gzip -dk"),
    (b"\xfd7zXZ\0", "xz -dk"),
    (b"(\xb5/\xfd", "zstd -dk"),
    (b"BZh", "bzip2 -dk"),
    (b"PK\x03\x04", "unzip"),
    (b"7z\xbc\xaf'\x1c", "7z x"),
)
INCOMPATIBLE = {
    0: "it was not closed cleanly (dirty)",
    1: "it is marked as corrupt",
    2: "its data is in another file",
    4: "it has extended L2 entries",
}
COMPRESSION = 3  # a bit that is harmless: how compressed clusters are packed


class Shape(Record):
    format: str  # raw, qcow2
    size: int  # bytes that the guest sees


def inspect(head: bytes, size: int, where: str) -> Shape:
    """The shape of an image of ``size`` bytes that begins with ``head``; Invalid when unusable."""
    if size == 0:
        raise Invalid(where, "is empty")
    for magic, tool in PACKED:
        if head.startswith(magic):
            raise Invalid(where, "is compressed", hint=f"{tool} {where}")
    for magic, kind in OTHERS:
        if head.startswith(magic):
            raise Invalid(
                where,
                f"is {kind}, not raw or qcow2",
                hint=f"qemu-img convert -O qcow2 {where} IMAGE.qcow2",
            )
    if head.startswith((b"<!DOCTYPE", b"<html", b"<HTML", b"<?xml")):
        raise Invalid(where, "is a web page, not an image", hint="check the URL")
    if head.startswith(b"QFI\xfb"):
        return _qcow2(head, size, where)
    if size % SECTOR:
        raise Invalid(
            where,
            f"is {size} bytes long, not a multiple of {SECTOR}: it is truncated, or no disk image",
        )
    return Shape(format="raw", size=size)


def _qcow2(head: bytes, size: int, where: str) -> Shape:
    if len(head) < 72 or size < 104:
        raise Invalid(where, "is a truncated qcow2 image: its header is not complete")
    fields = struct.unpack(">IQIIQIIQQIIQ", head[4:72])
    version, backing, _, bits, virtual, crypt = fields[:6]
    snapshots = fields[10]
    if version not in (2, 3):
        raise Invalid(
            where,
            f"is a qcow image of version {version}, not 2 or 3",
            hint=f"qemu-img convert -O qcow2 {where} IMAGE.qcow2",
        )
    for bad, problem in (
        (backing, "needs another file below it (a backing file)"),
        (crypt, "is encrypted"),
        (snapshots, "holds snapshots"),
    ):
        if bad:
            raise Invalid(
                where,
                f"is a qcow2 image that {problem}; images must stand alone",
                hint=f"qemu-img convert -O qcow2 {where} IMAGE.qcow2",
            )
    if not 9 <= bits <= 21:
        raise Invalid(where, f"is a damaged qcow2 image: clusters of 2^{bits} bytes")
    if version == 3:
        _features(head, where)
    if not 0 < virtual < 2**63:
        raise Invalid(where, f"is a damaged qcow2 image: {virtual} bytes long inside")
    return Shape(format="qcow2", size=virtual)


def _features(head: bytes, where: str) -> None:
    (incompatible,) = struct.unpack(">Q", head[72:80])
    for bit in range(64):
        if incompatible >> bit & 1 and bit != COMPRESSION:
            problem = INCOMPATIBLE.get(bit, f"it has feature {bit}, which is not known here")
            raise Invalid(
                where,
                f"is a qcow2 image that cannot be used: {problem}",
                hint=f"qemu-img convert -O qcow2 {where} IMAGE.qcow2",
            )
