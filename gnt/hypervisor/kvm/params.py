"""The parameters of a KVM guest: one field each gives type, default, range and help.

Names and meanings are the reference's (C.2).  Two defaults differ: ``kvm_path`` is QEMU itself,
because whether KVM is used is asked of the node, and ``kernel_path`` is empty: guests boot from
their disk.
"""

from __future__ import annotations

from gnt.hypervisor.kvm.kinds import CPU_MASK, IMAGE, MAYBE_PATH, WORDS
from gnt.record import Record, field
from gnt.values import BOOL, TEXT, choice, whole

COMPRESS = choice("", "auto", "never", "always")
DISK = (
    "paravirtual",
    "ide",
    "scsi",
    "sd",
    "mtd",
    "pflash",
    "scsi-hd",
    "scsi-block",
    "scsi-generic",
    "scsi-cd",
)
NICS = (
    "paravirtual",
    "e1000",
    "rtl8139",
    "ne2k_isa",
    "ne2k_pci",
    "i82551",
    "i82557b",
    "i82559er",
    "pcnet",
)


class Params(Record):
    acpi: bool = field(BOOL, "ACPI; without it a guest cannot be asked to shut down", default=True)
    boot_order: str = field(
        choice("disk", "cdrom", "floppy", "network"),
        "what to boot from, unless kernel_path is set",
        default="disk",
    )
    cdrom2_image_path: str = field(IMAGE, "second CD image, never booted from", default="")
    cdrom_disk_type: str = field(
        choice("", "ide", "paravirtual", "scsi-cd"), "bus of the CD drives (empty: ide)", default=""
    )
    cdrom_image_path: str = field(
        IMAGE, "CD image: a path on the node or an http, https, ftp URL", default=""
    )
    cpu_cores: int = field(whole(0, 4096), "cores per socket (0: QEMU decides)", default=0)
    cpu_mask: str = field(
        CPU_MASK,
        "host CPUs to run on: all, a list like 1,3-5, or one list per virtual CPU joined by colons",
        default="all",
    )
    cpu_sockets: int = field(whole(0, 4096), "sockets (0: QEMU decides)", default=0)
    cpu_threads: int = field(whole(0, 4096), "threads per core (0: QEMU decides)", default=0)
    cpu_type: str = field(
        TEXT,
        "CPU model and features, as QEMU's -cpu (empty: QEMU's default; under "
        "software emulation host means max)",
        default="",
    )
    disk_aio: str = field(
        choice("threads", "native", "io_uring"), "how disks are read and written", default="threads"
    )
    disk_cache: str = field(
        choice("default", "none", "writethrough", "writeback"),
        "host cache (default: writeback; shared disks always have none)",
        default="default",
    )
    disk_discard: str = field(
        choice("ignore", "unmap"), "what becomes of the guest's discards", default="ignore"
    )
    disk_type: str = field(choice(*DISK), "what disks look like", default="paravirtual")
    floppy_image_path: str = field(IMAGE, "floppy image", default="")
    initrd_path: str = field(MAYBE_PATH, "initial RAM disk, with kernel_path", default="")
    kernel_args: str = field(TEXT, "kernel command line, with kernel_path", default="ro")
    kernel_path: str = field(
        MAYBE_PATH, "kernel on the node to boot (empty: boot from disk)", default=""
    )
    keymap: str = field(TEXT, "keyboard layout of the graphical console", default="")
    kvm_extra: str = field(WORDS, "more arguments for QEMU, quoted as for a shell", default="")
    kvm_flag: str = field(
        choice("", "enabled", "disabled"),
        "use KVM (empty: where the node can run stock kernels with it)",
        default="",
    )
    kvm_path: str = field(MAYBE_PATH, "QEMU's program", default="/usr/bin/qemu-system-x86_64")
    kvm_pci_reservations: int = field(
        whole(9, 31),
        "PCI slots left to QEMU; disks count up from there, NICs down from 31",
        default=12,
    )
    machine_version: str = field(
        TEXT, "machine type (empty: the node's default, recorded at start)", default=""
    )
    mem_path: str = field(MAYBE_PATH, "mounted hugetlbfs to take the memory from", default="")
    migration_bandwidth: int = field(
        whole(1, 1_000_000), "MiB/s that a migration may use", default=32
    )
    migration_caps: str = field(
        TEXT, "QEMU migration capabilities to turn on, joined by colons", default=""
    )
    migration_downtime: int = field(
        whole(1, 2_000_000), "milliseconds a guest may stand still for a migration", default=30
    )
    migration_mode: str = field(
        choice("live", "non-live"), "how instances migrate unless asked otherwise", default="live"
    )
    migration_port: int = field(
        whole(1, 65436), "first of the 100 TCP ports that migrations come in at", default=8102
    )
    nic_type: str = field(choice(*NICS), "what NICs look like", default="paravirtual")
    reboot_behavior: str = field(
        choice("reboot", "exit"), "what a reboot inside the guest does", default="reboot"
    )
    root_path: str = field(
        TEXT, "root device for kernel_path (none: no root= is given)", default="/dev/vda1"
    )
    scsi_controller_type: str = field(
        choice("lsi", "virtio-scsi-pci", "megasas", "dc390"),
        "controller of SCSI disks",
        default="lsi",
    )
    security_domain: str = field(TEXT, "user QEMU runs as, with security_model user", default="")
    security_model: str = field(
        choice("none", "user", "pool"),
        "whom QEMU runs as: root, a named user, a free user of the cluster's pool",
        default="none",
    )
    serial_console: bool = field(BOOL, "serial console, kept in a log", default=True)
    serial_speed: int = field(whole(9600, 115200), "speed of the serial console", default=38400)
    soundhw: str = field(
        TEXT, "sound card: hda, ac97, es1370, sb16, adlib, cs4231a, gus", default=""
    )
    spice_bind: str = field(
        TEXT, "address or interface of the SPICE console (instead of VNC)", default=""
    )
    spice_image_compression: str = field(
        choice("", "auto_glz", "auto_lz", "quic", "glz", "lz", "off"),
        "SPICE image compression",
        default="",
    )
    spice_ip_version: int = field(
        whole(0, 6), "IP version of the SPICE console: 0, 4 or 6", default=0
    )
    spice_jpeg_wan_compression: str = field(
        COMPRESS, "SPICE JPEG compression on slow links", default=""
    )
    spice_password_file: str = field(
        MAYBE_PATH, "file on the node with the SPICE password", default=""
    )
    spice_playback_compression: bool = field(BOOL, "compress SPICE audio", default=True)
    spice_streaming_video: str = field(
        choice("", "off", "all", "filter"), "SPICE video detection", default=""
    )
    spice_tls_ciphers: str = field(
        TEXT, "ciphers that SPICE may use", default="HIGH:-DES:-3DES:-EXPORT:-DH"
    )
    spice_use_tls: bool = field(
        BOOL, "encrypt SPICE (certificates in /etc/gnt/spice)", default=False
    )
    spice_use_vdagent: bool = field(BOOL, "channel for the SPICE agent in the guest", default=True)
    spice_zlib_glz_wan_compression: str = field(
        COMPRESS, "SPICE zlib compression on slow links", default=""
    )
    usb_devices: str = field(
        TEXT,
        "USB devices, separated by spaces or commas: tablet, mouse, keyboard, host:VENDOR:PRODUCT",
        default="",
    )
    usb_mouse: str = field(choice("", "mouse", "tablet"), "USB pointer", default="")
    use_chroot: bool = field(BOOL, "run QEMU in an empty directory", default=False)
    use_guest_agent: bool = field(BOOL, "channel for QEMU's guest agent", default=False)
    use_localtime: bool = field(
        BOOL, "clock in the node's local time instead of UTC", default=False
    )
    user_shutdown: bool = field(BOOL, "tell a shutdown from inside the guest apart", default=False)
    vga: str = field(
        choice("", "std", "cirrus", "vmware", "qxl", "virtio", "none"),
        "graphics card (empty: std with VNC, qxl with SPICE)",
        default="",
    )
    vhost_net: bool = field(
        BOOL, "paravirtual NICs in the node's kernel, where it can", default=True
    )
    virtio_net_queues: int = field(whole(1, 32), "queues of a paravirtual NIC", default=1)
    vnc_bind_address: str = field(
        TEXT,
        "address or interface of the VNC console, or an absolute folder "
        "for a socket (empty: no VNC)",
        default="",
    )
    vnc_password_file: str = field(MAYBE_PATH, "file on the node with the VNC password", default="")
    vnc_tls: bool = field(BOOL, "encrypt VNC", default=False)
    vnc_x509_path: str = field(MAYBE_PATH, "folder on the node with VNC's certificates", default="")
    vnc_x509_verify: bool = field(BOOL, "ask VNC clients for a certificate", default=False)
    vnet_hdr: bool = field(BOOL, "offloads between NIC and guest", default=True)


def recorded(params: Params) -> str:
    """What was set, as a start records it; empty when nothing was."""
    import json

    changed = {k: v for k, v in params.items() if v != Params.DEFAULTS[k] and k not in SENDER}
    return json.dumps(changed, separators=(",", ":")) if changed else ""


def as_started(params: Params, text: str) -> Params:
    """The parameters a running guest was started with, whatever was set since."""
    import json

    own = {name: value for name, value in params.items() if name in SENDER}
    return Params(**{**(json.loads(text) if text else {}), **own})


SENDER = (
    "migration_bandwidth",
    "migration_caps",
    "migration_downtime",
    "migration_mode",
    "migration_port",
)
GLOBAL = ("migration_bandwidth", "migration_mode", "migration_port")
