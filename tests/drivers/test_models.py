"""Every kind of device starts in a real QEMU: its command line is not only as we meant it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnt.guest.seed import Seed
from gnt.hypervisor.base import hypervisor
from gnt.hypervisor.kvm.params import Params
from gnt.net.base import Port, nic_mode, tap_name
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KVM = hypervisor("kvm")
UUID = "aaaaaaaa-1111-4222-8333-444444444444"
NIC = "bbbbbbbb-1111-4222-8333-444444444444"
VNC = {"vnc_bind_address": "127.0.0.1"}
CASES: dict[str, dict[str, object]] = {
    **{
        f"disk {kind}": {"disk_type": kind}
        for kind in ("paravirtual", "ide", "scsi", "scsi-hd", "pflash")
    },
    **{
        f"scsi {kind}": {
            "disk_type": "scsi", "scsi_controller_type": kind, "cdrom_disk_type": "scsi-cd",
        }
        for kind in ("virtio-scsi-pci", "megasas", "dc390")
    },
    **{
        f"nic {kind}": {"nic_type": kind}
        for kind in (
            "e1000", "rtl8139", "ne2k_isa", "ne2k_pci", "i82551", "i82557b", "i82559er", "pcnet"
        )
    },
    **{
        f"sound {kind}": {"soundhw": kind}
        for kind in ("hda", "ac97", "es1370", "sb16", "adlib", "cs4231a", "gus")
    },
    **{f"vga {kind}": {"vga": kind, **VNC} for kind in ("std", "cirrus", "vmware", "virtio")},
    "queues": {"virtio_net_queues": 4},
    "no offloads": {"vnet_hdr": False},
    "network boot": {"boot_order": "network"},
    "paravirtual cd": {"cdrom_disk_type": "paravirtual"},
    "native": {"disk_cache": "none", "disk_aio": "native", "disk_discard": "unmap"},
    "io_uring": {"disk_aio": "io_uring", "disk_cache": "writethrough"},
    "usb": {"usb_mouse": "tablet", "usb_devices": "keyboard mouse"},
    "agent": {"use_guest_agent": True},
    "no acpi": {"acpi": False, "serial_console": False, "use_localtime": True},
    "topology": {"cpu_sockets": 1, "cpu_cores": 2, "cpu_type": "host"},
    "vnc": {**VNC, "keymap": "de"},
    "vnc socket": {"vnc_bind_address": "/run"},
    "jailed user": {"security_model": "user", "security_domain": "nobody", "use_chroot": True},
    "all together": {
        "usb_mouse": "tablet", "soundhw": "hda", "use_guest_agent": True, "disk_type": "scsi", **VNC
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def one() -> Iterator[Nodes]:
    with nodes("node1") as made:
        made["node1"].run("ip link add br0 type bridge; ip link set br0 up")
        yield made


ON_Q35 = ("disk paravirtual", "disk ide", "scsi virtio-scsi-pci", "nic e1000", "all together")


@pytest.mark.parametrize(
    ("name", "machine"),
    [(name, "pc-i440fx-7.2") for name in CASES] + [(name, "pc-q35-7.2") for name in ON_Q35],
)
def test_starts(one: Nodes, tmp_path: Path, name: str, machine: str) -> None:
    params = Params(**CASES[name])
    port = Port(
        uuid=NIC,
        interface=tap_name(NIC),
        mac="aa:00:00:00:00:01",
        mode="bridged",
        link="br0",
        queues=params.virtio_net_queues,
        vnet_hdr=params.vnet_hdr,
    )
    made = guests.guest(
        UUID,
        "node1",
        guests.disk(tmp_path / "disk.raw"),
        params=params,
        vcpus=2,
        ports=(port,),
        console_port=5910,
        seed=Seed(meta_data="x", user_data="x", network_config="x"),
        runtime={"machine": machine, "accel": "tcg", "version": "7.2.22", "vhost": False},
    )
    bridged = nic_mode("bridged")
    one.do(*bridged.plug("node1", port), *KVM.start(made))
    (seen,) = one.ask(KVM.found("node1"))
    assert (seen.state, seen.vcpus) == ("running", 2)
    one.do(*KVM.stop(made, 0), *bridged.unplug("node1", port))
