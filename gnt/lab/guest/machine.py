"""A node as a virtual machine: Debian with its own kernel, for LVM and DRBD, which the lab's other
nodes cannot have, because they share this machine's kernel."""

from __future__ import annotations

from gnt.lab.guest.image import Image, content, run
from gnt.lab.guest.linux import initrd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = (
    "systemd-sysv", "udev", "dbus", "kmod", "openssh-server", "lvm2", "drbd-utils", "iproute2",
    "iputils-ping", "qemu-system-x86", "qemu-utils", "procps", "socat", "linux-image-cloud-amd64",
    "netbase", "nftables", "e2fsprogs", "util-linux",
)
MODULES = ("virtio_pci", "virtio_blk", "virtio_net")
SIZE = "3G"  # of its disk, which is sparse
UNIT = """[Unit]
Description=What the lab says of this machine
Before=ssh.service
After=systemd-udevd.service local-fs.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
"""
SSHD = "HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nUsePAM no\n"
NEEDLESS = ("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer",
            "e2scrub_reap.service", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
            "systemd-update-utmp.service", "getty@tty1.service", "serial-getty@ttyS0.service",
            "lvm2-monitor.service", "drbd.service", "console-getty.service")


def _build(folder: Path) -> None:
    root = folder / "root"
    left_out = (f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale"))
    run("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=directory",
        '--aptopt=Acquire::Retries "3"', *left_out, f"--include={','.join(PACKAGES)}",
        "bookworm", str(root), folder=folder)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    kernel.rename(folder / "machine-vmlinuz")
    for other in (root / "boot").iterdir():
        if other.is_file():
            other.unlink()
    (modules,) = (root / "lib/modules").iterdir()
    initrd(folder, modules, MODULES, content("machine-init.sh"))
    (folder / "initrd").rename(folder / "machine-initrd")
    _settle(root)
    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", "root", "machine.raw", SIZE,
        folder=folder)


def _settle(root: Path) -> None:
    """What makes it a node of the lab at its first boot."""
    import os

    script = root / "usr/local/sbin/lab"
    script.write_bytes(content("machine.sh"))
    script.chmod(0o755)
    units = root / "etc/systemd/system"
    (units / "lab.service").write_text(UNIT)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    os.symlink("/etc/systemd/system/lab.service", units / "multi-user.target.wants/lab.service")
    for name in NEEDLESS:
        (units / name).unlink(missing_ok=True)
        os.symlink("/dev/null", units / name)
    (root / "etc/ssh/sshd_config.d/lab.conf").write_text(SSHD)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 1\n")
    (root / "etc/modprobe.d/drbd-lab.conf").write_text("options drbd usermode_helper=/bin/true\n")


MACHINE = Image(
    name="machine", files=("machine.raw", "machine-vmlinuz", "machine-initrd"),
    sources=("machine.py", "machine.sh", "machine-init.sh"), build=_build,
    tools={"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "/bin/busybox": "busybox-static",
           "cpio": "cpio", "depmod": "kmod"})
