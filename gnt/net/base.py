"""What every NIC mode must be able to do: one module each, its ``DRIVER`` a :class:`NicMode`."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, ClassVar

    from gnt.plan import Call, Step


class Port(Record):
    """One NIC of a guest with everything filled in.  ``interface`` is the tap's name on a node.

    Interface names must fit 15 characters and be the same on every node: see ``tap_name``.
    """

    uuid: str
    interface: str
    mac: str
    mode: str
    link: str
    vlan: str = ""
    ip: str | None = None
    queues: int = 1
    vnet_hdr: bool = True
    instance: str = ""  # name, for scripts
    index: int = 0
    network: str = ""  # network's name


def tap_name(uuid: str) -> str:
    """``gnt`` and the first 12 hexadecimal digits of the NIC's uuid."""
    return "gnt" + uuid.replace("-", "")[:12]


class NicMode(ABC):
    name: ClassVar[str]
    needs_address: ClassVar[bool] = False  # its NICs must have an IP address

    @abstractmethod
    def plug(self, node: str, port: Port) -> Iterator[Step]:
        """Make the interface on the node and connect it; undone by unplugging."""

    @abstractmethod
    def unplug(self, node: str, port: Port) -> Iterator[Step]:
        """Disconnect it and take it away, if it is there."""

    def missing(self, node: str, links: tuple[str, ...]) -> Call[tuple[str, ...]] | None:
        """Asks which of these links the node does not have; None when it needs none."""
        return None

    def leftovers(self, node: str) -> Call[tuple[str, ...]] | None:
        """Asks for interfaces of ours that no guest uses (compare with ``tap_name``): orphans."""
        return None


def nic_mode(name: str) -> NicMode:
    """The driver of a NIC mode."""
    driver: Any = found.module("gnt.net", name, "NIC mode").DRIVER
    made: NicMode = driver
    return made
