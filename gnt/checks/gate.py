"""Nodes of a hardened cluster have the gate, and obey who may sign now and nobody else."""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.checks.keys import keyring, past_the_gate
from gnt.plan import task_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

LOOK = "ssh.gate.tasks.gate"  # above this layer: found by name


class Gate(Check):
    codes = ("ENODESETUP", "ENODESSH")

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        if cfg.cluster.hardened:
            yield from (_look(node) for node in nodes)
            yield from (keyring.on(node.name) for node in nodes)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        wanted = {signer.obeyed: signer.name for signer in cfg.signers}
        for node in nodes if cfg.cluster.hardened else ():
            if seen.failed(keyring.on(node.name)) is None:
                for key in past_the_gate(cfg, seen[keyring.on(node.name)]):
                    yield on_node(node, "ENODESSH", f"lets in {key} past the gate, by a line of "
                                  "authorized_keys that gnt did not write", warning=True)
            if seen.failed(_look(node)) is not None:
                continue
            version, obeyed = seen[_look(node)]
            if not version:
                yield on_node(node, "ENODESETUP", "has no gate, though the cluster is hardened: "
                              "gnt-cluster redist-conf")
                continue
            for line in sorted(wanted.keys() - set(obeyed)):
                yield on_node(node, "ENODESETUP", f"does not obey the signer {wanted[line]}: "
                              "gnt-cluster signer tell")
            for line in sorted(set(obeyed) - wanted.keys()):
                yield on_node(node, "ENODESETUP", f"obeys {line.partition(',')[0]}, who is no "
                              "signer: gnt-cluster signer tell")


def _look(node: Node) -> Call[Any]:
    return task_named(LOOK).on(node.name)


CHECK = Gate()
