"""What every hypervisor must be able to do: one module or package each, with a ``DRIVER``."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.guest.seed import Seed
from gnt.net.base import Port
from gnt.record import Record
from gnt.storage.base import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar

    from gnt.plan import Call, Step


class GuestDisk(Record):
    """One disk of a guest as a hypervisor needs it."""

    uuid: str
    index: int
    size: int  # MiB
    mode: str
    source: Source
    shared: bool = False


class Guest(Record):
    """An instance with every parameter filled in, ready to run on one node."""

    uuid: str
    name: str
    node: str
    memory: int  # MiB at start: maxmem, or what fits between minmem and maxmem
    minmem: int
    maxmem: int
    vcpus: int
    params: Record  # the hypervisor's own Params
    disks: tuple[GuestDisk, ...] = ()
    ports: tuple[Port, ...] = ()
    console_port: int | None = None  # VNC or SPICE
    runtime: Mapping[str, str | int | float | bool | None] = {}
    seed: Seed | None = None  # cloud-init's data: the driver puts it in reach, here and on a target
    paused: bool = False
    address: str = ""  # the node's secondary address: where migration comes in
    uid_pool: tuple[tuple[int, int], ...] = ()  # the cluster's, for drivers that give up root
    migration_port: int = 0  # chosen by ``incoming_port``; 0 derives one from the uuid


class Running(Record):
    """A guest found on a node.

    ``state``: running, paused, incoming (waits for a migration), migrated (handed over, only to be
    ended), shutdown (by its user), unknown (it is there but does not answer).
    """

    name: str
    uuid: str
    memory: int  # MiB
    vcpus: int
    state: str = "running"
    cpu_seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether what is left of it will never run again."""
        return self.state in ("shutdown", "migrated")


class Capabilities(Record):
    """What a node's hypervisor said of itself; part of the plan, kept with the instance."""

    version: str
    runtime: Mapping[str, str | int | float | bool | None] = {}
    problems: tuple[str, ...] = ()


class Hypervisor(ABC):
    """Plans the life of one guest.  All steps converge: starting what runs does nothing."""

    name: ClassVar[str]
    params: ClassVar[type[Record]]
    global_params: ClassVar[tuple[str, ...]] = ()  # may not be set on an instance

    @abstractmethod
    def check(self, params: Record, where: str) -> None:
        """Raise Invalid for combinations that cannot work."""

    @abstractmethod
    def capabilities(self, node: str, params: Record) -> Call[Capabilities]:
        """Asks a node what it can do (version, machine type, accelerator)."""

    @abstractmethod
    def start(self, guest: Guest) -> Iterator[Step]:
        """Run it; undone by killing it."""

    @abstractmethod
    def stop(self, guest: Guest, timeout: int) -> Iterator[Step]:
        """Ask it to shut down, wait up to ``timeout`` seconds, then end it; 0 ends it at once."""

    def forget(self, guest: Guest) -> Iterator[Step]:
        """Take away what stays on its node after a stop (logs), when the instance is removed."""
        yield from ()

    @abstractmethod
    def reboot(self, guest: Guest) -> Iterator[Step]:
        """Restart it with the same process and command line (a soft reboot)."""

    @abstractmethod
    def found(self, node: str) -> Call[tuple[Running, ...]]:
        """Asks a node for all guests of this hypervisor, ours and strangers."""

    @abstractmethod
    def console(self, guest: Guest) -> tuple[str, ...]:
        """The command to run on the node, on a terminal."""

    def console_log(self, guest: Guest, lines: int) -> Call[str] | None:
        """Asks for the last lines that the guest printed on its console; None: not kept."""
        return None

    def leftovers(self, node: str) -> Call[tuple[str, ...]] | None:
        """Asks for files, sockets and interfaces of guests that are not there: orphans."""
        return None


class Migratable(Hypervisor):
    @abstractmethod
    def migrate(
        self, guest: Guest, target: Guest, *, live: bool
    ) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """(attempt, settle): after attempt the guest runs on the target and is ended here."""

    def incoming_port(self, guest: Guest) -> Call[int] | None:
        """Asks the target for a free ``Guest.migration_port``, if it needs one."""
        return None

    @abstractmethod
    def balloon(self, guest: Guest, memory: int) -> Iterator[Step]:
        """Give a running guest this many MiB."""


def hypervisor(name: str) -> Hypervisor:
    """The driver of a hypervisor."""
    driver: Any = found.module("gnt.hypervisor", name, "hypervisor").DRIVER
    made: Hypervisor = driver
    return made
