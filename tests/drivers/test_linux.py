"""A real Linux from an image: its address from the seed, answers over its bridge, moved live."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from gnt.guest import image, seed
from gnt.guest.image import Image
from gnt.hypervisor.base import Guest, GuestDisk, hypervisor
from gnt.hypervisor.kvm import Kvm
from gnt.hypervisor.kvm.migration import Migrated
from gnt.hypervisor.kvm.params import Params
from gnt.lab.guest.linux import LINUX
from gnt.model.codec import to_data
from gnt.model.config import Config, MemoryState
from gnt.model.objects import Cluster, Instance, Network, Nic
from gnt.net.base import Port, nic_mode, tap_name
from gnt.storage.base import Source
from tests.drivers import guests
from tests.drivers.nodes import Nodes, nodes, wait_for

UUID = "aaaaaaaa-1111-4222-8333-444444444444"
MAC = "aa:00:00:00:00:01"
NIC = Nic(uuid="bbbbbbbb-1111-4222-8333-444444444444", mac=MAC, ip="198.18.0.5", network="net")


def told() -> seed.Seed:
    """The seed of an instance with one NIC in a network."""
    network = Network(uuid="net", name="net", network="198.18.0.0/24", gateway="198.18.0.1")
    things = {
        "cluster": {"cluster": to_data(Cluster(uuid="c", cluster_name="c"))},
        "networks": {"net": to_data(network)},
    }
    inst = Instance(
        uuid=UUID,
        name="web.example",
        primary_node="n",
        nics=(NIC,),
        osparams={"image": "x", "user_data": "#!/bin/sh\necho user-data was run\n"},
    )
    made = seed.of(Config(MemoryState(things, 1, 1, "x")), inst)
    assert made is not None
    return made


def bridges(both: Nodes) -> None:
    """A bridge on each node, with a cable between them and an address on each."""
    both.link("node1", "node2", "cable0")
    for number, name in enumerate(("node1", "node2"), 1):
        both[name].run(
            "ip link add br0 type bridge && ip link set br0 up && "
            "ip address flush dev cable0 && ip link set cable0 master br0 && "
            f"ip address add 198.18.0.{number}/24 dev br0"
        )


@pytest.mark.slow
def test_boots_answers_and_moves(tmp_path: Path) -> None:
    driver = hypervisor("kvm")
    assert isinstance(driver, Kvm)
    source = next(path for path in LINUX.made() if path.suffix == ".qcow2")
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"")
    with open(disk, "r+b") as file:
        file.truncate(256 * guests.MIB)
    port = Port(uuid=NIC.uuid, interface=tap_name(NIC.uuid), mac=MAC, mode="bridged", link="br0")
    with nodes("node1", "node2") as both:
        here, there = both.link("node1", "node2")
        bridges(both)
        runtime = both.ask(driver.capabilities("node1", Params())).runtime
        home = Source(driver="file", path=str(disk))
        guest = guests.guest(
            UUID,
            "node1",
            GuestDisk(uuid=UUID, index=0, size=256, mode="rw", source=home, shared=True),
            maxmem=192,
            memory=192,
            runtime=runtime,
            ports=(port,),
            seed=told(),
            address=here,
        )
        total = hashlib.sha256(source.read_bytes()).hexdigest()
        install = image.install(Image(source=str(source), sha256=total), "node1", UUID, home, 256)
        for node in ("node1", "node2"):
            both.do(*nic_mode("bridged").plug(node, port))
        both.do(install[0], *driver.start(guest), install[1])
        moved(both, driver, guest, guest.replace(node="node2", address=there))


def page(both: Nodes, node: str) -> str:
    fetch = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 socat -t2 - TCP:198.18.0.5:80 || :"
    return str(both[node].run(fetch).stdout)


def ticks(both: Nodes, node: str) -> list[int]:
    return [int(n) for n in re.findall(r"tick (\d+)\r?\n", guests.console(both, node, UUID))]


def moved(both: Nodes, driver: Kvm, guest: Guest, target: Guest) -> None:
    wait_for(lambda: "tick 1" in guests.console(both, "node1", UUID), 300)
    said = guests.console(both, "node1", UUID)
    assert "seed /dev/sr0" in said, "the disk is the first disk"
    assert f"network eth0 {MAC} 198.18.0.5/24" in said and "user-data was run" in said
    for node in ("node1", "node2"):
        assert f"name web.example\ninstance-id {UUID}\n" in wait_for(
            lambda n=node: page(both, n), 120
        )
    attempt, settle = driver.migrate(guest, target, live=True)
    report = next(a for a in both.do(*attempt) if isinstance(a, Migrated))
    assert report.transferred > 1_000_000 and report.downtime_ms < report.total_ms
    before = ticks(both, "node1")
    both.do(*settle, *nic_mode("bridged").unplug("node1", guest.ports[0]))
    wait_for(lambda: len(ticks(both, "node2")) >= 2, 120)
    assert "name web.example" in wait_for(lambda: page(both, "node1"), 120)
    after = ticks(both, "node2")
    assert after[0] - before[-1] in (1, 2), "the clock went on"  # one may be torn in two
    assert both.do(*driver.stop(target, 300))[0] is True, "it heeds the power button"
