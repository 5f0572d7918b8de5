"""New identities: uuids, MAC addresses, ports.  Pure: the same request on the same head gives the
same answer, so a plan can be made again, shown, compared and applied.

Nothing is kept in a shared counter.  What is taken is read from the objects that own it, so two
jobs that undo themselves cannot overwrite one another's reservations (``man/adr/0070``).
"""

from __future__ import annotations

from gnt.errors import Conflict, Invalid
from gnt.values import MAC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Node

PORTS = range(11000, 15000)
TAGS_AT_MOST = 4096


def digest(*words: object) -> bytes:
    import hashlib

    return hashlib.sha256("\0".join(str(word) for word in words).encode()).digest()


def new_uuid(cfg: Config, *words: object) -> str:
    """A uuid (version 8) that depends on the committed head and on what it is for."""
    raw = bytearray(digest(cfg.head, cfg.serial, *words)[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def read_prefix(text: str) -> str:
    """A MAC prefix: three octets, even first one."""
    try:
        return MAC.read(text + ":00:00:00")[:8]
    except Invalid as error:
        if "multicast" in error.problem:
            raise Invalid(error.where, f"prefix {text!r} is of multicast addresses; "
                          "the first octet must be even") from None
        raise ValueError(text) from None


def new_mac(cfg: Config, prefix: str, *words: object, taken: Callable[[str], bool]) -> str:
    """A free MAC address with this prefix; ``taken`` also knows those of the same request."""
    for attempt in range(1000):
        tail = digest(cfg.head, "mac", *words, attempt)[:3]
        mac = prefix + "".join(f":{octet:02x}" for octet in tail)
        if not taken(mac) and not mac_owner(cfg, mac):
            return mac
    raise Conflict(f"no free MAC address with the prefix {prefix} was found",
                   hint="gnt-cluster modify -m PREFIX")


def mac_owner(cfg: Config, mac: str) -> str:
    """The uuid of the instance that has this MAC address, or empty."""
    owners = cfg.state.find("nic.mac", mac)
    return owners[0] if owners else ""


def new_port(cfg: Config, uuid: str) -> int:
    """A TCP port that no console and no mirrored disk has, on any node."""
    first = int.from_bytes(digest("port", uuid)[:4], "big") % len(PORTS)
    for port in _round(first):
        if not (cfg.state.find("port", str(port)) or cfg.state.find("disk.word", str(port))):
            return port
    raise Conflict(f"all {len(PORTS)} ports from {PORTS[0]} to {PORTS[-1]} are taken")


def new_minor(cfg: Config, node: Node) -> int:
    """The lowest number that no mirrored disk has on a node (its place is after the port)."""
    from gnt.model.objects import Disk

    taken = {disk.logical_id[3 + disk.logical_id.index(node.uuid)]
             for disk in cfg.found(Disk, "disk.node", node.uuid)
             if len(disk.logical_id) == 6 and node.uuid in disk.logical_id}
    return next(minor for minor in range(len(taken) + 1) if minor not in taken)


def _round(first: int) -> Iterator[int]:
    for offset in range(len(PORTS)):
        yield PORTS[(first + offset) % len(PORTS)]


def check_name(name: str, what: str) -> str:
    """A group's or network's name: as a tag, but not one that options would misread."""
    allowed = set(".+*/:@-_")
    good = all((c.isascii() and c.isalnum()) or c in allowed for c in name)
    if not name or len(name) > 128 or not good or name[0] in "-.":
        raise Invalid(what, f"{name!r} is not a name: up to 128 letters, digits and _.+*/:@-, "
                      "beginning with a letter or a digit")
    return name
