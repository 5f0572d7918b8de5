"""Rows for hypervisor parameters: the union of all hypervisors', typed."""

from __future__ import annotations

from gnt.query.cells import UNAVAIL
from gnt.query.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gnt.query.view import View

_BOOLS = frozenset((
    "acpi", "pae", "serial_console", "spice_playback_compression", "spice_use_tls",
    "spice_use_vdagent", "use_bootloader", "use_chroot", "use_guest_agent", "use_localtime",
    "user_shutdown", "vhost_net", "viridian", "vnc_tls", "vnc_x509_verify", "vnet_hdr",
))
_NUMBERS = frozenset((
    "cpu_cap", "cpu_cores", "cpu_sockets", "cpu_threads", "cpu_weight", "kvm_pci_reservations",
    "migration_downtime", "num_ttys", "serial_speed", "spice_ip_version", "startup_timeout",
    "virtio_net_queues",
))
_TEXTS = (
    "blockdev_prefix", "boot_order", "bootloader_args", "bootloader_path", "cdrom2_image_path",
    "cdrom_disk_type", "cdrom_image_path", "cpu_mask", "cpu_type", "cpuid", "device_model",
    "devices", "disk_aio", "disk_cache", "disk_discard", "disk_type", "drop_capabilities",
    "extra_cgroups", "extra_config", "floppy_image_path", "init_script", "initrd_path",
    "kernel_args", "kernel_path", "keymap", "kvm_extra", "kvm_flag", "kvm_path",
    "machine_version", "mem_path", "migration_caps", "nic_type", "pci_pass", "reboot_behavior",
    "root_path", "scsi_controller_type", "security_domain", "security_model", "soundhw",
    "spice_bind", "spice_image_compression", "spice_jpeg_wan_compression", "spice_password_file",
    "spice_streaming_video", "spice_tls_ciphers", "spice_zlib_glz_wan_compression",
    "usb_devices", "usb_mouse", "vga", "vif_script", "vif_type", "vnc_bind_address",
    "vnc_password_file", "vnc_x509_path",
)


def hvparams() -> Iterator[Field]:
    """One row per parameter; instances of other hypervisors have none of it."""
    for name in sorted((*_BOOLS, *_NUMBERS, *_TEXTS)):
        kind = "bool" if name in _BOOLS else "number" if name in _NUMBERS else "text"
        yield Field(f"hv/{name}", f"hv/{name}", kind, f"Hypervisor parameter {name}",
                    _value(name))


def _value(name: str) -> Callable[[View, Any], Any]:
    return lambda view, inst: view.hypervisor(inst).get(name, UNAVAIL)
