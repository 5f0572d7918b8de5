"""The Linux guest: Debian's cloud kernel, busybox and init.sh, as a disk and as kernel + initrd.

The disk is one FAT file system with syslinux on it, which needs neither a loop device nor a
mount; behind it, at 32 MiB, the guest keeps the number of its boots.
"""

from __future__ import annotations

from gnt.errors import GntError
from gnt.lab.guest.image import Image, content, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BOOT_SIZE = 32  # MiB
STATE_SIZE = 1  # MiB behind the boot file system
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "virtio_balloon", "virtio_scsi", "sd_mod", "ata_piix",
    "sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "button", "evdev",
)
ARGUMENTS = "console=ttyS0 quiet mitigations=off net.ifnames=0 panic=-1"
SYSLINUX = f"DEFAULT linux\nLABEL linux\n LINUX vmlinuz\n INITRD initrd\n APPEND {ARGUMENTS}\n"


def _build(folder: Path) -> None:
    _kernel(folder)
    _initrd(folder)
    _disk(folder)
    run("qemu-img", "convert", "-c", "-O", "qcow2", "linux.raw", "linux.qcow2", folder=folder)


def _kernel(folder: Path) -> None:
    """Fetch the kernel that Debian's cloud images use; ``unpacked`` and ``vmlinuz``."""
    depends = run("apt-cache", "depends", "linux-image-cloud-amd64", folder=folder).decode()
    package = next((line.split()[-1] for line in depends.splitlines()
                    if "Depends: linux-image-" in line and "unsigned" not in line), "")
    if not package:
        raise GntError("apt knows no linux-image-cloud-amd64", hint="apt-get update")
    run("apt-get", "-q", "download", package, folder=folder)
    (archive,) = folder.glob("*.deb")
    run("dpkg-deb", "-x", archive.name, "unpacked", folder=folder)
    (kernel,) = folder.glob("unpacked/boot/vmlinuz-*")
    kernel.rename(folder / "vmlinuz")


def _initrd(folder: Path) -> None:
    (modules,) = folder.glob("unpacked/lib/modules/*")
    run("depmod", "-b", "unpacked", modules.name, folder=folder)
    initrd(folder, modules, MODULES, content("init.sh"))


def initrd(folder: Path, modules: Path, names: Iterable[str], init: bytes) -> None:
    """Pack busybox, ``init`` and some kernel modules with all they need, as ``initrd``."""
    import shutil

    root = folder / "initrd.root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "init").write_bytes(init)
    (root / "init").chmod(0o755)
    kept = root / "lib/modules" / modules.name
    for file in _needed(modules, names):
        (kept / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(modules / file, kept / file)
    shutil.copy(modules / "modules.order", kept)
    shutil.copy(modules / "modules.builtin", kept)
    run("depmod", "-b", str(root), modules.name, folder=folder)
    files = b"\n".join(str(p.relative_to(root)).encode() for p in sorted(root.rglob("*")))
    packed = run("cpio", "-o", "-H", "newc", "--quiet", folder=root, stdin=files)
    (folder / "initrd").write_bytes(run("gzip", "-1", folder=folder, stdin=packed))


def _needed(modules: Path, names: Iterable[str]) -> set[str]:
    """The files of kernel modules and of what they depend on, relative to ``modules``."""
    depends = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        name = file.rpartition("/")[2].partition(".")[0].replace("-", "_")
        depends[name] = [file, *others.split()]
    return {file for name in names for file in depends.get(name, ())}


def _disk(folder: Path) -> None:
    (folder / "syslinux.cfg").write_text(SYSLINUX)
    run("mkfs.vfat", "-n", "GNTLINUX", "-C", "linux.raw", str(BOOT_SIZE * 1024), folder=folder)
    run("mcopy", "-i", "linux.raw", "vmlinuz", "initrd", "syslinux.cfg", "::", folder=folder)
    run("syslinux", "--install", "linux.raw", folder=folder)
    with open(folder / "linux.raw", "r+b") as file:
        file.truncate((BOOT_SIZE + STATE_SIZE) * 1024 * 1024)


LINUX = Image(
    name="linux", files=("linux.raw", "linux.qcow2", "vmlinuz", "initrd"),
    sources=("init.sh", "linux.py"), build=_build,
    tools={
        "apt-get": "apt", "dpkg-deb": "dpkg", "/bin/busybox": "busybox-static", "cpio": "cpio",
        "depmod": "kmod", "mkfs.vfat": "dosfstools", "mcopy": "mtools", "syslinux": "syslinux",
        "qemu-img": "qemu-utils",
    })
