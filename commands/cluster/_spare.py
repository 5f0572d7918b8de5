"""N+1: whatever node fails, its instances find the memory to start elsewhere in its group.

The loss is played in the same model of the cluster that places, moves and balances instances, so a
place that placement would choose is one that counts here.  Only instances that can be started
elsewhere, and are to be, count: their disks are shared or mirrored, or they have none.
"""

from __future__ import annotations

from gnt.checks.base import Check, Finding, on_node
from gnt.commands._space import Survey
from gnt.errors import NodeFailed
from gnt.htools.whatif import Play
from gnt.htools.world import FILE, PLAIN
from gnt.model.objects import Group, Node
from gnt.spec import Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.plan import Call


class Spare(Check):
    codes = ("ENODEN1",)
    option = "nplus1_mem"

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterator[Call[Any]]:
        if not _whole(cfg):
            return
        asked = {node.name for node in nodes}
        yield from (call for call in Survey(cfg).calls() if call.node in asked)

    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        if not _whole(cfg):
            return
        play = Play(Survey(cfg).world(_known(cfg, nodes, seen)), "")
        at = {node.name: k for k, node in enumerate(play.world.nodes)}
        for node in nodes:
            if not node.vm_capable or len([n for n in nodes if n.group == node.group]) < 2:
                continue
            lost = play.lose(play.ground.state.copy(), [at[node.name]])
            left = [inst for i, _ in lost.broken
                    if (inst := play.world.instances[i]).template not in (PLAIN, FILE)
                    and inst.uses_memory and inst.auto_balance]
            if left:
                names = ", ".join(inst.name for inst in left[:3])
                yield on_node(node, "ENODEN1", f"if it fails, {len(left)} of its instances find "
                              f"no memory elsewhere ({sum(inst.mem for inst in left)} MiB: {names}"
                              f"{' …' if len(left) > 3 else ''})")


def _known(cfg: Config, nodes: list[Node], seen: Seen) -> Seen:
    """The answers, and none from nodes that are not verified: nothing can be placed there."""
    asked = {node.name for node in nodes}
    nobody = NodeFailed("", "unasked", "it is not verified")
    return Seen({call.key: (seen.failed(call) or seen[call]) if call.node in asked else nobody
                 for call in Survey(cfg).calls()})


def _whole(cfg: Config) -> bool:
    """Whether there is a world to think of; what dangles is another check's finding."""
    return all(cfg.get(Group, node.group) for node in cfg.nodes) and all(
        cfg.get(Node, inst.primary_node) for inst in cfg.instances)


CHECK = Spare()
