"""The candidate pool: who holds the configuration, signs, and may become master."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.spec import Operation

#: Held by whoever writes to all nodes which keys they let in.
KEYS = "cluster/cluster"


def may_be_candidate(node: Node) -> bool:
    return node.master_capable and not (node.offline or node.drained or node.master_candidate)


def refill(cfg: Config) -> tuple[Operation, ...]:
    """The promotions that fill the pool: one job each, because each new keys are asked for."""
    from gnt.commands.node.modify import Modify

    room = cfg.cluster.candidate_pool_size - len(cfg.candidates)
    able = [node for node in cfg.nodes if may_be_candidate(node)]
    return tuple(Modify(name=node.name, master_candidate=True) for node in able[: max(room, 0)])
