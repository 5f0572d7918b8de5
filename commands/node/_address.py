"""A node's addresses change: who lets its keys in learns it first, and who is asked is told where.

While the change goes on, both the old and the new addresses are let in.
"""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands.node import _let_in, _role, _setup
from gnt.errors import Conflict
from gnt.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.commands.node._setup import Host
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit
    from gnt.spec import Seen, Session


def changed(node: Node, new: Node) -> bool:
    return (node.primary_ip, node.secondary_ip) != (new.primary_ip, new.secondary_ip)


def require_free(cfg: Config, new: Node) -> None:
    """Raise Conflict when another node has one of the addresses, or the master has it as such."""
    if cfg.cluster.master_ip in (new.primary_ip, new.secondary_ip):
        raise Conflict(f"{cfg.cluster.master_ip} is the master's address, which moves from node to "
                       "node", hint="gnt-cluster info")
    for other in cfg.nodes:
        taken = {other.primary_ip, other.secondary_ip} & {new.primary_ip, new.secondary_ip}
        if other.uuid != new.uuid and taken:
            raise Conflict(f"{', '.join(sorted(taken))} is an address of node {other.name}",
                           hint=f"gnt-node info {other.name}")


def require_same_host(session: Session, node: Node, address: str, port: int) -> None:
    """Raise Conflict unless the host at an address shows a host key that is pinned for the node.

    That it has the key, too, is seen when it is logged in to.
    """
    _, shown = session.scan(address, port)
    if not {_access.plain(key) for key in shown} & set(node.host_keys):
        found = ", ".join(_access.fingerprint(key) for key in shown) or "none"
        raise Conflict(
            f"the host at {address} is not {node.name}: it shows other host keys ({found})",
            hint=f"set the address on {node.name} first; if it was installed anew: "
                 f"gnt-node add --readd {node.name}")


def facts(cfg: Config) -> Iterator[Call[Host]]:
    return _role.greet(cfg)


def plan(cfg: Config, node: Node, new: Node, edit: Edit, seen: Seen) -> Plan:
    """The node itself may have lost its old address: it is told what it can be told there."""
    others = [other.name for other in cfg.online() if other.uuid != node.uuid]
    _role.require_all((_setup.inspect.on(name) for name in others), seen)
    reached = not node.offline and seen.failed(_setup.inspect.on(node.name)) is None
    if reached:
        _require_there(node, new, seen)
    before = _access.lines(cfg)
    after = _access.lines(cfg, _let_in.with_changed(cfg, new))
    notes: tuple[str, ...] = (
        f"{node.name}: {node.primary_ip} and {node.secondary_ip} become {new.primary_ip} and "
        f"{new.secondary_ip}",)
    if before == after:
        return Plan(end=(edit,), notes=notes)
    both = _access.lines(cfg, _both(cfg, node, new))
    attempt = tuple(_let_in.lines(others, both, before))
    if reached:  # from its own addresses nobody comes to it: it learns the end at once
        attempt += tuple(_let_in.lines([node.name], after, before))
    if not reached and not node.offline:
        notes += (f"{node.name} does not answer at {node.primary_ip}: once it does at "
                  f"{new.primary_ip}, let it know with gnt-cluster redist-conf",)
    return Plan(attempt=attempt, pivot=(edit,), settle=tuple(_let_in.lines(others, after)),
                notes=notes)


def _both(cfg: Config, node: Node, new: Node) -> Iterator[Node]:
    """All nodes; the one that changes with its old addresses and its new ones."""
    for other in cfg.nodes:
        if other.uuid != node.uuid:
            yield other
    yield node
    yield new


def _require_there(node: Node, new: Node, seen: Seen) -> None:
    has = seen[_setup.inspect.on(node.name)].addresses
    for address in (new.primary_ip, new.secondary_ip):
        if address not in has and address not in (node.primary_ip, node.secondary_ip):
            raise Conflict(f"{node.name} does not have the address {address} "
                           f"(it has {', '.join(has) or 'none'})",
                           hint=f"ssh {node.name} ip address add {address}/LENGTH dev INTERFACE")
