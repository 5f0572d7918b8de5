"""The one-sector guest (boot.S)."""

from __future__ import annotations

from gnt.lab.guest.image import Image, content, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

SIZE = 1024 * 1024  # bytes: the boot sector, its state in sector 1, and nothing


def _build(folder: Path) -> None:
    run("as", "--32", "-o", "boot.o", "-", folder=folder, stdin=content("boot.S"))
    run("ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", "boot.raw",
        "boot.o", folder=folder)
    with open(folder / "boot.raw", "r+b") as file:
        file.truncate(SIZE)


BOOT = Image(
    name="boot", files=("boot.raw",), sources=("boot.S", "boot.py"),
    tools={"as": "binutils", "ld": "binutils"}, build=_build)
