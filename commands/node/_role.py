"""The candidate pool: who holds the configuration, signs, and may become master."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands._edits import change, drop
from gnt.commands.node import _setup
from gnt.errors import Conflict
from gnt.model.objects import Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.commands.node._setup import Host
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit
    from gnt.spec import Operation, Seen

#: Held by whoever writes to all nodes which keys they let in.
KEYS = "cluster/cluster"


def may_be_candidate(node: Node) -> bool:
    return node.master_capable and not (node.offline or node.drained or node.master_candidate)


def greet(cfg: Config, without: Iterable[str] = ()) -> Iterator[Call[Host]]:
    """Asks every node that is to learn new keys whether it is there."""
    for node in cfg.online():
        if node.name not in without:
            yield _setup.inspect.on(node.name)


def require_all(calls: Iterable[Call[Host]], seen: Seen) -> None:
    """Raise Conflict when a node does not answer: what cannot be undone must not stop half-way."""
    for call in calls:
        failed = seen.failed(call)
        if failed is not None:
            raise Conflict(f"node {call.node} does not answer ({failed.problem}), so it cannot be "
                           "told which keys it lets in",
                           hint=f"gnt-node modify --offline=yes {call.node}, if it is gone")


def disowned(cfg: Config, name: str) -> tuple[Edit, ...]:
    """The keys of a node let nobody in any more, and sign nothing."""
    keys = _access.without_owner(cfg.cluster.login_keys, name)
    signer = cfg.get(Signer, name)
    return change(cfg.cluster, login_keys=keys), *((drop(signer),) if signer else ())


def refill(cfg: Config, without: str = "") -> tuple[Operation, ...]:
    """The promotions that the pool needs: a job for each, because each new keys are asked for.

    ``without``: a node that somebody has just taken out of it.
    """
    from gnt.commands.node.modify import Modify

    missing = cfg.cluster.candidate_pool_size - len(cfg.candidates)
    kept_out = cfg.node(without).uuid if without else ""
    able = [node for node in cfg.nodes if may_be_candidate(node) and node.uuid != kept_out]
    return tuple(Modify(name=node.name, master_candidate=True) for node in able[:max(0, missing)])


def resize(cfg: Config) -> tuple[Operation, ...]:
    """The promotions or demotions after which the pool has its size; the master stays."""
    from gnt.commands.node.modify import Modify

    spare = len(cfg.candidates) - cfg.cluster.candidate_pool_size
    if spare <= 0:
        return refill(cfg)
    able = [node for node in cfg.candidates if node.uuid != cfg.cluster.master_node]
    return tuple(Modify(name=node.name, master_candidate=False) for node in able[-spare:])
