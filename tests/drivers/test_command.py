"""QEMU's command line: golden files for many guests, and combinations that are refused.

``GNT_GOLDEN=write pytest tests/drivers/test_command.py`` writes them anew; read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gnt.errors import Invalid
from gnt.guest.seed import Seed
from gnt.hypervisor.base import Guest, GuestDisk, hypervisor
from gnt.hypervisor.kvm.command import command
from gnt.hypervisor.kvm.params import GLOBAL, Params, as_started, recorded
from gnt.model import inherit
from gnt.net.base import Port
from gnt.storage.base import Source

GOLDEN = Path(__file__).parent / "golden"
KVM = hypervisor("kvm")
UUID = "12345678-9abc-4def-8123-456789abcdef"


def disk(index: int, **changes: object) -> GuestDisk:
    values = {
        "uuid": f"d{index:07x}-0000-4000-8000-00000000000{index % 10}",
        "index": index,
        "size": 1024,
        "mode": "rw",
        "source": Source(driver="file", path=f"/srv/gnt/file-storage/web, 1/{index}.raw"),
    }
    return GuestDisk(**{**values, **changes})


def nic(index: int, **changes: object) -> Port:
    values = {
        "uuid": f"a{index:07x}-0000-4000-8000-000000000000",
        "interface": f"gnta{index:07x}0000",
        "mac": f"aa:00:00:00:00:{index:02x}",
        "mode": "bridged",
        "link": "br0",
        "index": index,
    }
    return Port(**{**values, **changes})


KVM_RUNTIME = {"machine": "pc-i440fx-7.2", "accel": "kvm", "version": "7.2.22", "vhost": True}


def guest(params: Params, **changes: object) -> Guest:
    values = {
        "uuid": UUID,
        "name": "web.example",
        "node": "node1",
        "memory": 1024,
        "minmem": 512,
        "maxmem": 1024,
        "vcpus": 2,
        "params": params,
        "disks": (disk(0), disk(1, mode="ro")),
        "ports": (nic(0),),
        "runtime": KVM_RUNTIME,
    }
    return Guest(**{**values, **changes})


Q35 = {**KVM_RUNTIME, "machine": "pc-q35-10.0", "version": "10.0.0"}
TCG = {"machine": "pc-i440fx-7.2", "accel": "tcg", "version": "7.2.22", "vhost": False}
NETWORK_DISK = Source(driver="rbd", path="", options={"pool": "rbd", "image": "web"})
SEED = Seed(meta_data="", user_data="", network_config="")

CASES: dict[str, Guest] = {
    "plain": guest(Params()),
    "emulated": guest(Params(cpu_type="host,-vmx"), runtime=TCG, maxmem=256, memory=128),
    "q35": guest(Params(), runtime=Q35),
    "old-qemu": guest(Params(), runtime={**KVM_RUNTIME, "version": "5.2.0"}),
    "nothing-known": guest(Params(kvm_flag="enabled"), runtime={}),
    "kvm-off": guest(Params(kvm_flag="disabled")),
    "no-acpi-no-serial": guest(Params(acpi=False, serial_console=False, use_localtime=True)),
    "topology": guest(Params(cpu_sockets=1, cpu_cores=2, cpu_threads=2, cpu_type="EPYC"), vcpus=4),
    "kernel": guest(
        Params(kernel_path="/boot/vmlinuz", initrd_path="/boot/initrd.img", kernel_args="ro quiet")
    ),
    "kernel-no-root": guest(Params(kernel_path="/boot/vmlinuz", root_path="none", kernel_args="")),
    "seed-and-cds": guest(
        Params(
            cdrom_image_path="/iso/a,b.iso",
            cdrom2_image_path="https://example/b.iso",
            boot_order="cdrom",
        ),
        seed=SEED,
    ),
    "paravirtual-cd": guest(Params(cdrom_disk_type="paravirtual"), seed=SEED),
    "scsi-cd": guest(Params(cdrom_disk_type="scsi-cd"), seed=SEED),
    "q35-cd": guest(Params(), seed=SEED, runtime=Q35),
    "floppy": guest(Params(floppy_image_path="/iso/floppy.img", boot_order="floppy")),
    "network-boot": guest(Params(boot_order="network"), ports=(nic(0), nic(1))),
    "ide": guest(
        Params(disk_type="ide", disk_cache="writethrough"), disks=(disk(0), disk(1), disk(2))
    ),
    "scsi-lsi": guest(Params(disk_type="scsi")),
    "scsi-virtio": guest(Params(disk_type="scsi-hd", scsi_controller_type="virtio-scsi-pci")),
    "scsi-block": guest(
        Params(disk_type="scsi-block", scsi_controller_type="megasas"),
        disks=(disk(0, source=Source(driver="host_device", path="/dev/sdb")),),
    ),
    "sd-card": guest(Params(disk_type="sd")),
    "native-aio": guest(
        Params(disk_cache="none", disk_aio="native", disk_discard="unmap"),
        disks=(disk(0, source=Source(driver="host_device", path="/dev/vg/lv")),),
    ),
    "shared": guest(Params(disk_aio="io_uring"), disks=(disk(0, shared=True),)),
    "rbd": guest(Params(), disks=(disk(0, source=NETWORK_DISK, shared=True),)),
    "many-queues": guest(Params(virtio_net_queues=4), ports=(nic(0, queues=4),)),
    "no-offloads": guest(Params(vnet_hdr=False, vhost_net=False), ports=(nic(0, vnet_hdr=False),)),
    "e1000": guest(Params(nic_type="e1000"), ports=(nic(0), nic(1))),
    "ne2k-isa": guest(Params(nic_type="ne2k_isa")),
    "vnc": guest(Params(vnc_bind_address="0.0.0.0", keymap="de"), console_port=11000),
    "vnc-six": guest(Params(vnc_bind_address="::1"), console_port=11000),
    "vnc-interface": guest(Params(vnc_bind_address="eth0"), console_port=11000),
    "vnc-socket": guest(Params(vnc_bind_address="/run/vnc")),
    "vnc-tls-password": guest(
        Params(
            vnc_bind_address="0.0.0.0",
            vnc_tls=True,
            vnc_x509_path="/etc/pki",
            vnc_x509_verify=True,
            vnc_password_file="/etc/secret",
        ),
        console_port=11000,
    ),
    "spice": guest(Params(spice_bind="192.0.2.1", soundhw="hda"), console_port=11001),
    "spice-all": guest(
        Params(
            spice_bind="eth0",
            spice_ip_version=4,
            spice_password_file="/etc/secret",
            spice_use_tls=True,
            spice_use_vdagent=False,
            spice_image_compression="off",
            spice_jpeg_wan_compression="auto",
            spice_zlib_glz_wan_compression="never",
            spice_streaming_video="filter",
            spice_playback_compression=False,
            vga="std",
        ),
        console_port=11001,
    ),
    "usb-and-sound": guest(
        Params(usb_mouse="tablet", usb_devices="keyboard,host:1d6b:2", soundhw="ac97")
    ),
    "agent": guest(Params(use_guest_agent=True, spice_bind="192.0.2.1"), console_port=11001),
    "hugepages": guest(Params(mem_path="/dev/hugepages")),
    "user": guest(Params(security_model="user", security_domain="vm", use_chroot=True)),
    "user-new-qemu": guest(
        Params(security_model="user", security_domain="vm", use_chroot=True), runtime=Q35
    ),
    "pool": guest(Params(security_model="pool")),
    "user-shutdown": guest(Params(user_shutdown=True)),
    "exits-at-reboot": guest(Params(reboot_behavior="exit")),
    "extra": guest(Params(kvm_extra="-device 'edu,id=a b' -global x.y=z")),
    "paused": guest(Params(), paused=True),
    "diskless": guest(Params(), disks=(), ports=()),
    "machine-set": guest(Params(machine_version="microvm"), runtime={"accel": "kvm"}),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    made = "\n".join(command(CASES[name])) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GNT_GOLDEN") == "write":
        path.write_text(made)
    assert made == path.read_text()


def test_no_golden_file_without_a_case() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


def test_incoming_replaces_the_pause() -> None:
    argv = command(CASES["paused"], incoming="tcp:192.0.2.2:8102")
    assert argv[-2:] == ("-incoming", "tcp:192.0.2.2:8102") and "-S" not in argv


def test_paths_are_absolute_and_nothing_is_opened_by_default() -> None:
    argv = command(CASES["plain"])
    assert "-nodefaults" in argv and "-no-user-config" in argv and argv[0].startswith("/")


def test_every_parameter_has_the_name_type_and_default_of_the_reference() -> None:
    assert len(Params.FIELDS) == 65
    for name, field in Params.FIELDS.items():
        annotation = Params.TYPES[name][0]
        assert type(field.default).__name__ == annotation, name
        text = str(field.default)
        if annotation == "bool":
            text = "yes" if field.default else "no"
        assert field.kind.read(text) == field.default, name
        assert field.help and not field.help.endswith("."), name
    assert set(GLOBAL) < set(Params.FIELDS)


IMPOSSIBLE = [
    ("disk_aio", {"disk_aio": "native"}),
    ("disk_discard", {"disk_type": "mtd", "disk_discard": "unmap"}),
    ("root_path", {"kernel_path": "/boot/k", "root_path": ""}),
    ("initrd_path", {"initrd_path": "/boot/i"}),
    ("boot_order", {"boot_order": "cdrom"}),
    ("boot_order", {"boot_order": "floppy"}),
    ("spice_bind", {"spice_bind": "::1", "vnc_bind_address": "::1"}),
    ("spice_password_file", {"spice_password_file": "/x"}),
    ("spice_use_tls", {"spice_use_tls": True}),
    ("spice_ip_version", {"spice_bind": "::1", "spice_ip_version": 5}),
    ("vnc_tls", {"vnc_tls": True, "vnc_x509_path": "/x"}),
    ("vnc_x509_path", {"vnc_bind_address": "::1", "vnc_x509_path": "/x"}),
    ("vnc_x509_verify", {"vnc_bind_address": "::1", "vnc_x509_verify": True}),
    ("vnc_x509_path", {"vnc_bind_address": "::1", "vnc_tls": True}),
    ("vnc_password_file", {"vnc_password_file": "/x"}),
    ("security_domain", {"security_domain": "vm"}),
    ("security_domain", {"security_model": "user"}),
    ("serial_speed", {"serial_speed": 10000}),
    ("virtio_net_queues", {"virtio_net_queues": 2, "nic_type": "e1000"}),
    ("virtio_net_queues", {"virtio_net_queues": 2, "vnet_hdr": False}),
    ("user_shutdown", {"user_shutdown": True, "acpi": False}),
    ("soundhw", {"soundhw": "theremin"}),
    ("usb_devices", {"usb_devices": "disk:/x"}),
    ("usb_devices", {"usb_devices": "host:zz:1"}),
]


@pytest.mark.parametrize(("name", "values"), IMPOSSIBLE)
def test_impossible_combinations_are_named(name: str, values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        KVM.check(Params(**values), "-H")
    assert caught.value.where == f"-H.{name}" and len(caught.value.problem) > 10


def test_the_defaults_are_possible() -> None:
    KVM.check(Params(), "-H")


@pytest.mark.parametrize(("name", "text"), [
    ("cpu_mask", "3-1"), ("cpu_mask", "1,,2"), ("cpu_mask", "x"), ("kvm_path", "qemu"),
    ("cdrom_image_path", "file.iso"), ("cdrom_image_path", "file:///x"), ("kvm_extra", "'open"),
    ("migration_port", "65500"), ("virtio_net_queues", "33"), ("boot_order", "tape"),
    ("kvm_pci_reservations", "3"), ("acpi", "maybe"), ("migration_downtime", "0"),
])  # fmt: skip
def test_values_out_of_range_say_what_is_possible(name: str, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        inherit.parse(Params, {name: text}, "-H")
    assert caught.value.where == f"-H.{name}" and repr(text) in caught.value.problem


def test_too_many_devices_are_refused() -> None:
    many = tuple(disk(i) for i in range(17))
    for params, name in (
        (Params(kvm_pci_reservations=20), "kvm_pci_reservations"),
        (Params(disk_type="ide"), "disk_type"),
        (Params(kvm_pci_reservations=15), "kvm_pci_reservations"),
        (Params(disk_type="scsi"), "scsi_controller_type"),
    ):
        with pytest.raises(Invalid, match=name):
            command(guest(params, disks=many))
    assert command(guest(Params(), disks=many[:16]))


def test_ide_places_are_not_taken_twice() -> None:
    three = guest(Params(disk_type="ide"), disks=(disk(0), disk(1), disk(2)), seed=SEED)
    assert len({a for a in command(three) if a.startswith("ide-")}) == 4
    with pytest.raises(Invalid, match="ide has room for 4 drives"):
        command(three.replace(params=Params(disk_type="ide", cdrom_image_path="/x.iso")))
    command(three.replace(params=Params(disk_type="ide", cdrom_image_path="/x.iso"), runtime=Q35))


def test_an_ide_disk_cannot_be_read_only() -> None:
    with pytest.raises(Invalid, match="cannot be read-only"):
        command(guest(Params(disk_type="ide")))


def test_a_console_without_a_port_is_refused() -> None:
    with pytest.raises(Invalid, match="needs a port"):
        command(guest(Params(vnc_bind_address="::1")))


def test_parameters_of_a_start_come_back_but_for_those_of_the_sender() -> None:
    started = Params(disk_type="ide", migration_downtime=5, kvm_extra="-x 'y z'")
    later = Params(disk_type="scsi", migration_downtime=500)
    assert as_started(later, recorded(started)) == started.replace(migration_downtime=500)
    assert recorded(Params()) == "" and as_started(later, "").disk_type == "paravirtual"
