"""What a lab is made of: names, addresses and folders.  Nothing here touches the machine.

Every lab uses the same addresses: each has switches of its own, in a namespace of their own.
"""

from __future__ import annotations

from pathlib import Path

from gnt.errors import Invalid, NotFound
from gnt.record import Record
from gnt.values import Kind, whole

MOST_NODES = 250
CLUSTER_ADDRESS = "10.77.0.5"  # kept free for the cluster's name
GUESTS = "10.78.0.0/16"  # instances; the admin's host has 10.78.0.1 there


def _lab_name(text: str) -> str:
    if not (text.isascii() and text.replace("-", "a").isalnum() and len(text) <= 32):
        raise ValueError(text)
    return text


LAB = Kind(_lab_name, "LAB", "a lab's name: up to 32 letters, digits and -")
COUNT = whole(1, MOST_NODES)


class Host(Record):
    """A node, or the admin's host (number 0)."""

    number: int

    @property
    def short(self) -> str:
        return f"node{self.number}" if self.number else "admin"

    @property
    def name(self) -> str:
        return f"{self.short}.lab"

    @property
    def address(self) -> str:
        """Its address on the lab's network."""
        if not self.number:
            return "10.77.0.1"
        return f"10.77.{self.number // 200}.{self.number % 200 + 10}"


ADMIN = Host(number=0)


def host_named(text: str) -> Host:
    """``node3``, ``node3.lab``, ``3`` or ``admin``."""
    bare = text.removesuffix(".lab")
    if bare == "admin":
        return ADMIN
    digits = bare.removeprefix("node")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= MOST_NODES:
        raise Invalid("", f"{text!r} is no host of a lab (they are node1, node2, … and admin)")
    return Host(number=int(digits))


def hosts_file() -> str:
    """``/etc/hosts`` of every host: the names of all nodes a lab can have."""
    lines = ["127.0.0.1 localhost", f"{CLUSTER_ADDRESS} cluster.lab"]
    for number in range(MOST_NODES + 1):
        host = Host(number=number)
        lines.append(f"{host.address} {host.name} {host.short}")
    return "\n".join(lines) + "\n"


class Layout(Record):
    """Where one lab keeps things.  ``run`` goes with the machine's next boot, ``disk`` stays."""

    name: str

    @property
    def run(self) -> Path:
        return Path("/run/gnt-lab", self.name)

    @property
    def disk(self) -> Path:
        return Path("/var/lib/gnt-lab", self.name)

    @property
    def shared(self) -> Path:
        """What all nodes see at /srv/gnt/shared-file-storage."""
        return self.disk / "shared"

    def host_run(self, short: str) -> Path:
        return self.run / short

    def host_disk(self, short: str) -> Path:
        return self.disk / short

    def marker(self, short: str) -> str:
        """The script that the process runs which a host (or the hub) hangs on."""
        return str(self.host_run(short) / "boot")

    def nodes(self) -> tuple[Host, ...]:
        """The nodes that were ever started in this lab, running or not."""
        try:
            names = [entry.name for entry in self.disk.iterdir()]
        except FileNotFoundError:
            names = []
        digits = [n.removeprefix("node") for n in names if n.startswith("node")]
        return tuple(Host(number=n) for n in sorted(int(d) for d in digits if d.isdigit()))

    def host(self, text: str) -> Host:
        """A node of this lab, or the admin's host."""
        host = host_named(text)
        return host if host == ADMIN else self.node(text)

    def node(self, text: str) -> Host:
        """A node of this lab by name."""
        host = host_named(text)
        if host not in self.nodes():
            there = ", ".join(n.short for n in self.nodes()) or "none"
            raise NotFound(
                f"lab {self.name} has no node {host.short} (it has: {there})",
                hint=f"gnt-lab up {max(host.number, 1)} --name {self.name}")
        return host


def labs() -> tuple[str, ...]:
    """The names of all labs on this machine."""
    found: set[str] = set()
    for root in (Path("/run/gnt-lab"), Path("/var/lib/gnt-lab")):
        if root.is_dir():
            found.update(entry.name for entry in root.iterdir() if entry.is_dir())
    return tuple(sorted(found))
