"""Nodes have the addresses that are recorded; the master, and nobody else, has the master's."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.plan import Script, node_task, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


@node_task(deadline=20)
def addresses() -> Script[Mapping[str, str]]:
    """The addresses of a node, and the interface of each."""
    return script("""ip -o address show | while read -r _ device _ address _; do
    echo "${address%/*} $device"
done
""", parse=lambda output: dict(line.split(" ") for line in output.splitlines()))


class Addresses(Check):
    codes = ("ENODENET",)

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (addresses.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        for node in nodes:
            if seen.failed(addresses.on(node.name)) is not None:
                continue
            has = seen[addresses.on(node.name)]
            if node.secondary_ip != node.primary_ip and node.secondary_ip not in has:
                yield on_node(node, "ENODENET", f"does not have its secondary address "
                              f"{node.secondary_ip}")
            yield from _masters(cfg, node, has)


def _masters(cfg: Config, node: Node, has: Mapping[str, str]) -> Iterator[Finding]:
    cluster = cfg.cluster
    if not cluster.master_ip or not cluster.master_netdev or cluster.use_external_mip_script:
        return
    device = has.get(cluster.master_ip)
    if node.uuid != cluster.master_node:
        if device is not None:
            yield on_node(node, "ENODENET", f"has the master's address {cluster.master_ip} on "
                          f"{device}, and is not the master: gnt-cluster activate-master-ip")
    elif device is None:
        yield on_node(node, "ENODENET", f"is the master without the master's address "
                      f"{cluster.master_ip}: gnt-cluster activate-master-ip", warning=True)
    elif device != cluster.master_netdev:
        yield on_node(node, "ENODENET", f"has the master's address on {device}, not on "
                      f"{cluster.master_netdev}")


CHECK = Addresses()
