"""The lab's guests, under QEMU on a node."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from gnt.lab.guest.boot import BOOT
from gnt.lab.guest.image import content
from gnt.lab.guest.linux import LINUX
from tests.labs import Lab

MAC = "aa:00:00:00:00:01"
SEED = """\
version: 2
ethernets:
  nic0:
    match: {macaddress: "aa:00:00:00:00:01"}
    set-name: eth0
    addresses: [10.78.0.5/16]
"""


def _start(lab: Lab, node: int, name: str, *words: str) -> None:
    lab.on(node, "qemu-system-x86_64", "-M", "pc", "-accel", "tcg,tb-size=64", "-nodefaults",
           "-no-user-config", "-display", "none", "-daemonize",
           "-serial", f"file:/run/{name}.serial",
           "-qmp", f"unix:/run/{name}.qmp,server=on,wait=off",
           "-pidfile", f"/run/{name}.pid", *words)


def _drive(path: str) -> list[str]:
    return ["-drive", f"file={path},format=raw,if=virtio,file.locking=off"]


def _until(lab: Lab, node: int, name: str, text: str, deadline: float = 60.0) -> str:
    """What the guest said, once it said ``text``."""
    latest = time.monotonic() + deadline
    while True:
        said = lab.path(node, f"/run/{name}.serial").read_text(errors="replace")
        if text in said:
            return said
        assert time.monotonic() < latest, f"no {text!r} in {said!r}"
        time.sleep(0.05)


def _qmp(lab: Lab, node: int, name: str, *commands: str) -> str:
    asked = '{"execute":"qmp_capabilities"}' + "".join(commands)
    return lab.on(node, "timeout", "2", "socat", "-t2", "-", f"UNIX:/run/{name}.qmp",
                  stdin=asked, status=None).stdout


def _off(lab: Lab, node: int, name: str) -> None:
    latest = time.monotonic() + 30
    while lab.path(node, f"/run/{name}.pid").exists():
        assert time.monotonic() < latest, f"{name} is still on"
        time.sleep(0.05)


def test_the_boot_guest_ticks_counts_its_boots_and_powers_off(lab: Lab) -> None:
    BOOT.made()
    lab.on(1, "cp", "/var/cache/gnt-lab/boot.raw", "/srv/gnt/file-storage/b.raw")
    for boot in (1, 2):
        _start(lab, 1, "b", "-m", "16", *_drive("/srv/gnt/file-storage/b.raw"))
        said = _until(lab, 1, "b", "tick 00000003")
        assert f"boot {boot:08x}\ntick 00000001\ntick 00000002\n" in said
        _qmp(lab, 1, "b", '{"execute":"system_powerdown"}')
        _off(lab, 1, "b")
        assert "bye" in _until(lab, 1, "b", "bye")


def test_the_boot_guest_ticks_on_across_a_live_migration(lab: Lab) -> None:
    BOOT.made()
    disk = "/srv/gnt/shared-file-storage/m.raw"
    lab.on(1, "cp", "/var/cache/gnt-lab/boot.raw", disk)
    _start(lab, 1, "m", "-m", "16", *_drive(disk))
    _until(lab, 1, "m", "tick 00000002")
    _start(lab, 2, "m", "-m", "16", *_drive(disk), "-incoming", "tcp:10.77.0.12:7000")
    _qmp(lab, 1, "m", '{"execute":"migrate","arguments":{"uri":"tcp:10.77.0.12:7000"}}')
    after = _until(lab, 2, "m", "\ntick")
    said = lab.path(1, "/run/m.serial").read_text() + after
    ticks = [int(digits, 16) for digits in re.findall("tick ([0-9a-f]{8})\n", said)]
    assert ticks == list(range(1, len(ticks) + 1))  # none lost, none twice
    assert said.count("boot") == 1
    for node in (1, 2):
        _qmp(lab, node, "m", '{"execute":"quit"}')


SHARED = "/srv/gnt/shared-file-storage"
PAGE = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 socat -t5 - TCP:10.78.0.5:80"


def _seed(lab: Lab, folder: Path) -> None:
    (folder / "meta-data").write_text("instance-id: i-1\nlocal-hostname: web1\n")
    (folder / "user-data").write_text("#!/bin/sh\necho user data ran\n")
    (folder / "network-config").write_text(SEED)
    subprocess.run(["genisoimage", "-quiet", "-o", "seed.iso", "-V", "cidata", "-r",
                    "meta-data", "user-data", "network-config"], cwd=folder, check=True)
    lab.path(1, f"{SHARED}/seed.iso").write_bytes((folder / "seed.iso").read_bytes())


def _start_linux(lab: Lab, node: int, *words: str) -> None:
    lab.on(node, "ip", "tuntap", "add", "tap1", "mode", "tap")
    lab.on(node, "ip", "link", "set", "tap1", "master", "br0", "up")
    _start(lab, node, "l", "-m", "192", *_drive(f"{SHARED}/l.raw"), *_drive(f"{SHARED}/seed.iso"),
           "-netdev", "tap,id=n0,ifname=tap1,script=no,downscript=no",
           "-device", f"virtio-net-pci,netdev=n0,mac={MAC},romfile=", *words)


def test_the_linux_guest_takes_its_address_from_the_seed_answers_and_migrates(
    lab: Lab, tmp_path: Path,
) -> None:
    LINUX.made()
    _seed(lab, tmp_path)
    lab.on(1, "cp", "/var/cache/gnt-lab/linux.raw", f"{SHARED}/l.raw")
    _start_linux(lab, 1)
    said = _until(lab, 1, "l", "tick 2")
    assert f"network eth0 {MAC} 10.78.0.5/16" in said
    assert "boot 1 web1 ready" in said
    assert "user data ran" in said
    assert "instance-id i-1" in lab.run("sh", "-c", PAGE).stdout
    lab.on(2, "ip", "addr", "add", "10.78.1.2/16", "dev", "br0")
    lab.on(2, "ping", "-c1", "-W5", "10.78.0.5")

    _start_linux(lab, 2, "-incoming", "tcp:10.77.0.12:7001")
    _qmp(lab, 1, "l", '{"execute":"migrate","arguments":{"uri":"tcp:10.77.0.12:7001"}}')
    after = _until(lab, 2, "l", "\ntick")
    assert "boot" not in after
    _qmp(lab, 1, "l", '{"execute":"quit"}')
    assert "instance-id i-1" in lab.run("sh", "-c", PAGE).stdout
    echoed = lab.on(3, "sh", "-c", "ip addr add 10.78.1.3/16 dev br0; echo heard |"
                    " timeout 5 socat -t2 - TCP:10.78.0.5:7")
    assert echoed.stdout == "heard\n"

    _qmp(lab, 2, "l", '{"execute":"system_powerdown"}')
    _off(lab, 2, "l")
    assert b"boots 1" in lab.path(2, f"{SHARED}/l.raw").read_bytes()


@pytest.mark.parametrize(("config", "lines"), [
    (SEED, [f"{MAC} eth0 10.78.0.5/16 - static"]),
    ('{"version":1,"config":[{"type":"physical","name":"eth0","mac_address":"AA:00:00:00:00:01",'
     '"subnets":[{"type":"static","address":"10.1.1.1/24","gateway":"10.1.1.254"}]},'
     '{"mac_address":"aa:00:00:00:00:02","name":"eth1","subnets":[{"type":"dhcp4"}]}]}',
     [f"{MAC} eth0 10.1.1.1/24 10.1.1.254 static", "aa:00:00:00:00:02 eth1 - - dhcp"]),
    ("version: 1\nconfig:\n- type: physical\n  name: eth0\n  mac_address: aa:00:00:00:00:01\n"
     "  subnets:\n  - type: static\n    address: 10.1.1.1\n    netmask: 255.255.0.0\n"
     "- type: nameserver\n  address: 9.9.9.9\n",
     [f"{MAC} eth0 10.1.1.1/255.255.0.0 - static"]),
    ('{"version": 2, "ethernets": {"e0": {"addresses": ["10.2.0.1/16"], "nameservers": '
     '{"addresses": ["1.1.1.1"]}, "match": {"macaddress": "aa:00:00:00:00:01"}}}}',
     [f"{MAC} e0 10.2.0.1/16 - static"]),
])
def test_the_linux_guest_reads_both_versions_of_network_config(
    config: str, lines: list[str], tmp_path: Path,
) -> None:
    (tmp_path / "network-config").write_text(config)
    body = content("init.sh").decode()
    function = body[body.index("nics() {") : body.index("\nip link set lo up")]
    function = function.replace("/seed/", f"{tmp_path}/")
    done = subprocess.run(["busybox", "sh", "-c", f"{function}\nnics"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == lines
