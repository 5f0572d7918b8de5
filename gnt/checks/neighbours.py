"""Nodes reach one another, and show one another the pinned host keys.

Each node is looked at by one other, so the cost grows with the number of nodes, not its square.
"""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.model import inherit
from gnt.plan import Script, node_task, script
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

_LOOK = """\
ssh-keyscan -T 5 -p "$1" -t "$2" "$3" 2>/dev/null | while read -r _ kind blob; do
    echo "key $kind $blob"
done
if [ -n "$4" ] && command -v ping >/dev/null; then
    ping -q -c 1 -W 3 "$4" >/dev/null 2>&1 || echo "silent $4"
fi
exit 0
"""


class View(Record):
    """The host keys that a neighbour shows, and its secondary address if that is silent."""

    keys: tuple[str, ...]
    silent: tuple[str, ...]


@node_task(deadline=20)
def look(port: int, types: str, address: str, secondary: str) -> Script[View]:
    """What another node looks like from here."""
    return script(_LOOK, port, types, address, secondary, parse=_view)


def _view(output: str) -> View:
    lines = [line.partition(" ") for line in output.splitlines()]
    return View(keys=tuple(rest for kind, _, rest in lines if kind == "key"),
                silent=tuple(rest for kind, _, rest in lines if kind == "silent"))


class Neighbours(Check):
    codes = ("ENODENET", "ENODESSH")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (call for _, _, call in _pairs(cfg, nodes))

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for node, other, call in _pairs(cfg, nodes):
            if seen.failed(call) is not None:
                continue
            view = seen[call]
            if not view.keys:
                yield on_node(node, "ENODENET", f"does not reach {other.name} at "
                              f"{other.primary_ip}")
            elif not set(view.keys) & set(other.host_keys):
                yield on_node(other, "ENODESSH", f"shows {node.name} other host keys than the "
                              f"pinned ones: installed anew, or somebody stands between")
            for address in view.silent:
                yield on_node(node, "ENODENET", f"does not reach {other.name} at its secondary "
                              f"address {address}")


def _pairs(cfg: Config, nodes: list[Node]) -> Iterator[tuple[Node, Node, Call[View]]]:
    """Each node with the next one, which it looks at."""
    for node, other in zip(nodes, [*nodes[1:], *nodes[:1]], strict=True):
        if node is not other and other.host_keys:
            second = other.secondary_ip if other.secondary_ip != other.primary_ip else ""
            yield node, other, sight(cfg, node, other, second)


def sight(cfg: Config, node: Node, other: Node, second: str = "") -> Call[View]:
    """Asks a node what another one looks like, and its address ``second``, if one is given."""
    return look.on(node.name, inherit.node(cfg, other).ssh_port, _type(other.host_keys[0]),
                   other.primary_ip, second)


def _type(key: str) -> str:
    """The name that ssh-keyscan has for a key's type."""
    name = key.split(" ")[0]
    return "ecdsa" if name.startswith("ecdsa") else name.removeprefix("ssh-")


CHECK = Neighbours()
