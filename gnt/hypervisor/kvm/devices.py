"""QEMU's arguments for disks, removable media and NICs."""

from __future__ import annotations

import json

from gnt.errors import Invalid
from gnt.hypervisor.kvm.shell import DIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.hypervisor.base import Guest, GuestDisk
    from gnt.hypervisor.kvm.params import Params
    from gnt.net.base import Port

LEGACY = ("sd", "mtd", "pflash")
SCSI = {
    "scsi": "scsi-hd",
    "scsi-hd": "scsi-hd",
    "scsi-block": "scsi-block",
    "scsi-generic": "scsi-generic",
    "scsi-cd": "scsi-cd",
}
NIC_MODELS = {"paravirtual": "virtio-net-pci"}


def machine_type(guest: Guest, params: Params) -> str:
    """The machine type recorded when the guest was started, else as set; empty: QEMU's default."""
    return str(guest.runtime.get("machine") or params.machine_version or "")


def at(guest: Guest, params: Params, slot: int, device: str) -> str:
    """The device in a slot of the PCI bus, on machine types that have a plain one."""
    machine = machine_type(guest, params)
    if machine.startswith(("pc-q35", "q35")):
        return f"{device},bus=pcie.0,addr={slot:#x}"
    if machine.startswith("pc"):
        return f"{device},bus=pci.0,addr={slot:#x}"
    return device


def last_slot(guest: Guest, params: Params) -> int:
    """The highest PCI slot that is free: q35 has its own devices from 0x1d on."""
    return 28 if "q35" in machine_type(guest, params) else 31


def short(uuid: str) -> str:
    """What a device is called after: a uuid's first three groups (names have 31 characters)."""
    return uuid[:18]


def _block(name: str, file: Mapping[str, Any], *, readonly: bool, discard: str = "ignore") -> str:
    node = {
        "driver": "raw",
        "node-name": name,
        "read-only": readonly,
        "auto-read-only": False,
        "discard": discard,
        "file": file,
    }
    return json.dumps(node, separators=(",", ":"))


def _file(disk: GuestDisk, params: Params) -> dict[str, Any]:
    source = disk.source
    cache = "none" if disk.shared and source.driver != "rbd" else params.disk_cache
    file: dict[str, Any] = {"driver": source.driver, **source.options}
    if source.driver in ("file", "host_device"):
        file["filename"] = source.path
        file["aio"] = params.disk_aio
    file["discard"] = params.disk_discard
    file["auto-read-only"] = False
    file["cache"] = {"direct": cache == "none", "no-flush": False}
    return file


def disks(guest: Guest, params: Params) -> Iterator[str]:
    """Disks in order; the first is the one to boot from."""
    bus = SCSI.get(params.disk_type)
    if bus and guest.disks:
        yield from ("-device", at(guest, params, 5, f"{_controller(params)},id=scsi"))
    limit = last_slot(guest, params) + 1 - len(guest.ports) - params.kvm_pci_reservations
    if len(guest.disks) > limit and params.disk_type == "paravirtual":
        raise Invalid(
            f"{guest.name}: kvm_pci_reservations",
            f"leaves room for {limit} disks, not {len(guest.disks)}",
        )
    for disk in guest.disks:
        name = f"disk-{short(disk.uuid)}"
        if params.disk_type in LEGACY:
            yield from ("-drive", _legacy(disk, params))
            continue
        yield from (
            "-blockdev",
            _block(
                name, _file(disk, params), readonly=disk.mode == "ro", discard=params.disk_discard
            ),
        )
        yield from ("-device", _disk_device(guest, params, disk, name, bus))


def _controller(params: Params) -> str:
    return {"lsi": "lsi53c895a", "dc390": "dc390"}.get(
        params.scsi_controller_type, params.scsi_controller_type
    )


def _disk_device(guest: Guest, params: Params, disk: GuestDisk, name: str, bus: str | None) -> str:
    tail = f",drive={name},id=dev-{name}"
    if params.disk_type not in ("scsi-block", "scsi-generic"):
        # how the host caches is not the guest's affair: it must flush in any case
        tail += ",write-cache=on"
    if disk.index == 0 and params.boot_order == "disk" and not params.kernel_path:
        tail += ",bootindex=1"
    if bus:
        if disk.index > 6 and params.scsi_controller_type in ("lsi", "dc390"):
            raise Invalid(
                f"{guest.name}: scsi_controller_type",
                f"{params.scsi_controller_type} has room for 7 disks (0 to 6)",
                hint="-H kvm:scsi_controller_type=virtio-scsi-pci",
            )
        return f"{bus},bus=scsi.0,scsi-id={disk.index}{tail}"
    if params.disk_type == "ide":
        if disk.mode == "ro":
            raise Invalid(
                f"{guest.name}: disk/{disk.index}",
                "an ide disk cannot be read-only (mode ro)",
                hint="-H kvm:disk_type=paravirtual, or scsi-hd",
            )
        return f"ide-hd,{_ide(guest, params, disk.index)}{tail}"
    return at(guest, params, params.kvm_pci_reservations + disk.index, "virtio-blk-pci") + tail


def _legacy(disk: GuestDisk, params: Params) -> str:
    path = disk.source.path.replace(",", ",,")
    readonly = ",readonly=on" if disk.mode == "ro" else ""
    cache = "none" if disk.shared else params.disk_cache.replace("default", "writeback")
    return (
        f"file={path},format=raw,if={params.disk_type},index={disk.index},cache={cache}{readonly}"
    )


def _image(path: str) -> dict[str, Any]:
    scheme = path.partition("://")[0]
    if scheme != path:
        return {"driver": scheme, "url": path}
    return {"driver": "file", "filename": path, "locking": "off"}


def removable(guest: Guest, params: Params) -> Iterator[str]:
    """CD drives, cloud-init's seed, and a floppy."""
    direct = bool(params.kernel_path)
    kind = params.cdrom_disk_type or "ide"
    drives = [("cdrom0", params.cdrom_image_path), ("cdrom1", params.cdrom2_image_path)]
    drives += [("seed", f"{DIR}/{guest.uuid}.seed")] if guest.seed else []
    drives = [(name, path) for name, path in drives if path]
    if drives and kind == "scsi-cd" and not (SCSI.get(params.disk_type) and guest.disks):
        yield from ("-device", at(guest, params, 5, f"{_controller(params)},id=scsi"))
    for name, path in drives:
        yield from ("-blockdev", _block(name, _image(path), readonly=True))
        boots = name == "cdrom0" and params.boot_order == "cdrom" and not direct
        tail = f",drive={name},id=dev-{name}" + (",bootindex=1" if boots else "")
        if name == "seed" and params.disk_type == "paravirtual" and not params.cdrom_disk_type:
            # kernels made for clouds (Debian's) have no driver for IDE or SATA; and on virtio-blk
            # it would take a disk's name
            yield from ("-device", at(guest, params, 8, "virtio-scsi-pci,id=seeds"))
            yield from ("-device", "scsi-cd,bus=seeds.0" + tail)
        else:
            yield from ("-device", _cd_device(guest, params, kind, CDS[name]) + tail)
    if params.floppy_image_path:
        yield from ("-blockdev", _block("floppy", _image(params.floppy_image_path), readonly=True))
        boots = params.boot_order == "floppy" and not direct
        yield from (
            "-device",
            "floppy,unit=0,drive=floppy,id=dev-floppy" + (",bootindex=1" if boots else ""),
        )


CDS = {"cdrom0": 0, "cdrom1": 1, "seed": 2}


def _cd_device(guest: Guest, params: Params, kind: str, number: int) -> str:
    if kind == "paravirtual":
        return at(guest, params, 6 + number, "virtio-blk-pci")
    if kind == "scsi-cd":
        return f"scsi-cd,bus=scsi.0,scsi-id={6 - number}"
    return (
        f"ide-cd,{_ide(guest, params, _ide_places(guest, params) - 1 - (number + 1) % 3, cd=True)}"
    )


def _ide_places(guest: Guest, params: Params) -> int:
    return 6 if "q35" in machine_type(guest, params) else 4


def _ide(guest: Guest, params: Params, place: int, *, cd: bool = False) -> str:
    """A place on the IDE buses: disks count up, CD drives down (seed, first, second)."""
    places = _ide_places(guest, params)
    disks = len(guest.disks) if params.disk_type == "ide" else 0
    if place >= places or (cd and place < disks):
        raise Invalid(
            f"{guest.name}: disk_type",
            f"ide has room for {places} drives, CDs and cloud-init's seed counted",
            hint="-H kvm:disk_type=paravirtual, or cdrom_disk_type=scsi-cd",
        )
    return f"bus=ide.{place}" if places == 6 else f"bus=ide.{place // 2},unit={place % 2}"


def nics(guest: Guest, params: Params) -> Iterator[str]:
    """NICs on taps that exist already; QEMU runs no script."""
    for port in guest.ports:
        name = f"nic-{short(port.uuid)}"
        yield from ("-netdev", _netdev(guest, params, port, name))
        yield from ("-device", _nic_device(guest, params, port, name))


def _netdev(guest: Guest, params: Params, port: Port, name: str) -> str:
    text = f"tap,id={name},ifname={port.interface},script=no,downscript=no"
    if params.nic_type == "paravirtual":
        if port.queues > 1:
            text += f",queues={port.queues}"
        vhost = params.vhost_net and guest.runtime.get("vhost", True)
        text += ",vhost=on" if vhost else ""
    return text


def _nic_device(guest: Guest, params: Params, port: Port, name: str) -> str:
    model = NIC_MODELS.get(params.nic_type, params.nic_type)
    text = f"{model},netdev={name},id=dev-{name},mac={port.mac}"
    if not model.endswith("_isa"):
        text = at(guest, params, last_slot(guest, params) - port.index, text)
    network = params.boot_order == "network" and not params.kernel_path
    if params.nic_type == "paravirtual":
        if port.queues > 1:
            text += f",mq=on,vectors={2 * port.queues + 2}"
        if not port.vnet_hdr:
            text += ",csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off"
        if not network:
            text += ",romfile="  # a ROM of another version on the target would fail the migration
    return text + (f",bootindex={port.index + 1}" if network else "")
