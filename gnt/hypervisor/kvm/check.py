"""Combinations of parameters that cannot work, refused with the parameter's name and what can."""

from __future__ import annotations

from gnt.errors import Invalid
from gnt.hypervisor.kvm.kinds import cpus_of
from gnt.hypervisor.kvm.params import Params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.hypervisor.base import Guest
    from gnt.record import Record

SPEEDS = (9600, 19200, 38400, 57600, 115200)
SPICE = (
    "spice_ip_version",
    "spice_password_file",
    "spice_image_compression",
    "spice_jpeg_wan_compression",
    "spice_zlib_glz_wan_compression",
    "spice_streaming_video",
    "spice_use_tls",
)


def check(params: Record, where: str) -> None:
    """Raise Invalid for the first combination that cannot work."""
    assert isinstance(params, Params)
    for name, problem in _problems(params):
        raise Invalid(f"{where}.{name}" if where else name, problem)


def _problems(p: Params) -> Iterator[tuple[str, str]]:
    yield from _disks(p)
    yield from _boot(p)
    yield from _screens(p)
    yield from _privilege(p)
    yield from _rest(p)


def _disks(p: Params) -> Iterator[tuple[str, str]]:
    if p.disk_aio == "native" and p.disk_cache != "none":
        yield (
            "disk_aio",
            f"native needs disk_cache none, not {p.disk_cache}; or use threads or io_uring",
        )
    if p.disk_type in ("sd", "mtd", "pflash") and p.disk_discard == "unmap":
        yield "disk_discard", f"unmap is not possible with disk_type {p.disk_type}; only ignore is"


def _boot(p: Params) -> Iterator[tuple[str, str]]:
    if p.kernel_path and not p.root_path:
        yield (
            "root_path",
            "kernel_path needs a root device; none when the kernel finds it by itself",
        )
    if p.initrd_path and not p.kernel_path:
        yield "initrd_path", "is only used with kernel_path"
    if p.boot_order == "cdrom" and not p.cdrom_image_path and not p.kernel_path:
        yield "boot_order", "cdrom needs cdrom_image_path; or boot from disk or network"
    if p.boot_order == "floppy" and not p.floppy_image_path and not p.kernel_path:
        yield "boot_order", "floppy needs floppy_image_path; or boot from disk or network"


def _screens(p: Params) -> Iterator[tuple[str, str]]:
    if p.spice_bind and p.vnc_bind_address:
        yield "spice_bind", "either SPICE or VNC: leave spice_bind or vnc_bind_address empty"
    if not p.spice_bind:
        for name in SPICE:
            if getattr(p, name):
                yield name, "is only used with spice_bind"
    if p.spice_ip_version not in (0, 4, 6):
        yield "spice_ip_version", f"{p.spice_ip_version} is not one of 0, 4, 6"
    if p.vnc_tls and not p.vnc_bind_address:
        yield "vnc_tls", "is only used with vnc_bind_address"
    if (p.vnc_x509_path or p.vnc_x509_verify) and not p.vnc_tls:
        yield "vnc_x509_path" if p.vnc_x509_path else "vnc_x509_verify", "is only used with vnc_tls"
    if p.vnc_tls and not p.vnc_x509_path:
        yield "vnc_x509_path", "vnc_tls needs the folder with the certificates"
    if p.vnc_password_file and not p.vnc_bind_address:
        yield "vnc_password_file", "is only used with vnc_bind_address"


def _privilege(p: Params) -> Iterator[tuple[str, str]]:
    if p.security_domain and p.security_model != "user":
        yield "security_domain", f"only with security_model user, not {p.security_model}"
    if p.security_model == "user" and not p.security_domain:
        yield "security_domain", "security_model user needs the user's name"


def _rest(p: Params) -> Iterator[tuple[str, str]]:
    from gnt.hypervisor.kvm.display import inputs

    if p.serial_speed not in SPEEDS:
        yield "serial_speed", f"{p.serial_speed} is not one of {', '.join(map(str, SPEEDS))}"
    if p.virtio_net_queues > 1 and p.nic_type != "paravirtual":
        yield "virtio_net_queues", f"more than 1 needs nic_type paravirtual, not {p.nic_type}"
    if p.virtio_net_queues > 1 and not p.vnet_hdr:
        yield "virtio_net_queues", "more than 1 needs vnet_hdr"
    if p.user_shutdown and not p.acpi:
        yield "user_shutdown", "needs acpi: without it no shutdown is heard of"
    try:
        list(inputs(p))
    except Invalid as error:
        yield error.where, error.problem
    except ValueError:
        yield "usb_devices", f"{p.usb_devices!r}: vendor and product are hexadecimal numbers"


def masks(guest: Guest, params: Params) -> tuple[str, ...]:
    """``cpu_mask`` as one mask for all, or one for each virtual CPU, in the form of ``taskset``."""
    parts = tuple(params.cpu_mask.split(":"))
    if len(parts) > 1 and len(parts) != guest.vcpus:
        raise Invalid(
            f"{guest.name}: cpu_mask",
            f"has {len(parts)} masks for {guest.vcpus} virtual CPUs; give one for all or "
            "one for each",
        )
    return tuple(p if p == "all" else ",".join(map(str, cpus_of(p))) for p in parts)
