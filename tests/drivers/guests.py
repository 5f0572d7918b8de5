"""Guests for tests: one sector of machine code, and what it takes to run it."""

from __future__ import annotations

from pathlib import Path

from gnt.hypervisor.base import Guest, GuestDisk
from gnt.hypervisor.kvm.params import Params
from gnt.storage.base import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tests.drivers.nodes import Nodes

# says A to Z on COM1, over and over, 18 letters a second; knows no power button
DEAF = bytes.fromhex("fa31c08ed8 baf803 b341 88d8 ee fb f4 fec3 80fb5b 72f4 b341 ebf0")
# says R, waits for the power button, says bye by powering off (SeaBIOS' ACPI registers)
POLITE = bytes.fromhex(
    "fa31c08ed8 ba0206 b80001 ef baf803 b052 ee fb f4ba0006 ed f6c401 74f6 ba0406 b80020 ef f4 ebfe"
)
MIB = 1024**2


def disk(path: Path, code: bytes = DEAF, size: int = 4) -> GuestDisk:
    """A disk that boots the code, made at a path; ``size`` in MiB."""
    path.write_bytes(code.ljust(510, b"\0") + b"\x55\xaa")
    with open(path, "r+b") as file:
        file.truncate(size * MIB)
    return GuestDisk(
        uuid="d15c0000-0000-4000-8000-000000000001",
        index=0,
        size=size,
        mode="rw",
        source=Source(driver="file", path=str(path)),
    )


def guest(uuid: str, node: str, *disks: GuestDisk, **changes: Any) -> Guest:
    """A small guest; parameters of the hypervisor are given as ``params``."""
    values = {
        "uuid": uuid,
        "name": f"i{uuid[:4]}.example",
        "node": node,
        "memory": 64,
        "minmem": 64,
        "maxmem": 64,
        "vcpus": 1,
        "params": Params(),
        "disks": disks,
        "runtime": {"machine": "pc-i440fx-7.2", "accel": "tcg", "version": "7.2", "vhost": False},
    }
    return Guest(**{**values, **changes})


def console(nodes: Nodes, node: str, uuid: str) -> str:
    """What the guest said so far."""
    return str(nodes[node].run(f"cat /run/gnt/kvm/{uuid}.console 2>/dev/null || :").stdout)
