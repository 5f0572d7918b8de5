"""gnt-node remove."""

from __future__ import annotations

from gnt.commands import _access, _gate, _hooks
from gnt.commands._edits import change, drop
from gnt.commands.node import _leave, _let_in, _role, _setup
from gnt.errors import Conflict
from gnt.model.objects import Disk, Instance
from gnt.plan import Plan, Step
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Remove(Operation, command="node remove"):
    """Take a node out of the cluster.

    No instance may be on it any more.  Its keys and its copy of the configuration are taken away
    from it, and no other node lets it in.
    """

    hook = "node-remove"
    examples = (("gnt-node remove node3", "it stays a host; gnt keeps nothing there"),)

    name: str = arg(TEXT, "node", complete="node")

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        node = cfg.node(self.name)
        return _hooks.node(node.name, node)

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"nodes/{cfg.node(self.name).uuid}", _role.KEYS))

    def confirm(self, cfg: Config) -> str:
        return f"Remove node {cfg.node(self.name).name} from the cluster?"

    def exact(self, cfg: Config) -> bool:
        return not cfg.node(self.name).offline

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        yield from _role.greet(cfg)
        node = cfg.node(self.name)
        if not node.offline:
            yield from _leave.facts(cfg, node)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        node = cfg.node(self.name)
        self._check(cfg, node)
        _role.require_all(_role.greet(cfg), seen)
        if not node.offline:
            _leave.require_empty(cfg, node, seen, _leave.REMOVED)
        keys = _access.without_owner(cfg.cluster.login_keys, node.name)
        others = [other for other in cfg.nodes if other.uuid != node.uuid]
        lines = _access.lines(cfg, others, keys)
        steps = list(_let_in.lines((o.name for o in others if not o.offline), lines))
        notes: tuple[str, ...] = ()
        if node.offline:
            notes = (f"{node.name} is offline: its keys stay on it, but nobody accepts them",)
        else:
            steps.append(Step(do=_setup.forget.on(node.name), title="keys and configuration"))
        demoted = (change(node, master_candidate=False),) if node.master_candidate else ()
        return Plan(
            pivot=demoted, settle=tuple(steps),
            end=(drop(node), *_role.disowned(cfg, node.name)),
            notes=notes,
        )

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return (*_gate.then(cfg), *_role.refill(cfg))

    def _check(self, cfg: Config, node: Node) -> None:
        if node.uuid == cfg.cluster.master_node:
            raise Conflict(f"{node.name} is the master",
                           hint="gnt-cluster master-failover on another candidate, or "
                                "gnt-cluster destroy")
        users = {inst.name for inst in cfg.instances_on(node)}
        for disk in cfg.found(Disk, "disk.node", node.uuid):
            owner = cfg.get(Instance, disk.instance) if disk.instance else None
            if owner is not None and not _anywhere(disk):
                users.add(owner.name)
        if users:
            raise Conflict(f"{node.name} still has {', '.join(sorted(users)[:5])}"
                           f"{' and others' if len(users) > 5 else ''}",
                           hint="move or remove these instances first")


def _anywhere(disk: Disk) -> bool:
    """Whether the disk is within reach of every node, so that losing one does not matter."""
    from gnt.storage.base import Shared, storage

    return isinstance(storage(disk.dev_type), Shared)
