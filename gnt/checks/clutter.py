"""Keys of this cluster's nodes that were put into ``authorized_keys`` beside what gnt writes."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.checks.keys import keyring
from gnt.model import access

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Clutter(Check):
    codes = ("ENODESSH",)
    option = "verify_ssh_clutter"

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        return (keyring.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        blobs = {access.plain(key).split(" ")[-1] for key in cfg.cluster.login_keys
                 if access.owner_of(key)}
        for node in nodes:
            if seen.failed(keyring.on(node.name)) is not None:
                continue
            for line in seen[keyring.on(node.name)].theirs:
                if access.OWNER in line or blobs & set(line.split()):
                    yield on_node(node, "ENODESSH", "lets a node's key in without restriction, by "
                                  f"a line that gnt did not write: …{line[-24:]}", warning=True)


CHECK = Clutter()
