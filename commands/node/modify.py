"""gnt-node modify."""

from __future__ import annotations

from gnt.commands import _access, _gate, _hooks, _state
from gnt.commands._edits import change, put, unchanged
from gnt.commands.node import _address, _leave, _let_in, _oob, _return, _role, _setup
from gnt.errors import Conflict, Invalid
from gnt.model import inherit
from gnt.model.objects import Signer
from gnt.plan import Plan
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, IP, PAIRS, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call, Edit
    from gnt.spec import Seen, Session


class Modify(_state.StateOptions, Operation, command="node modify"):
    """Change a node's role, flags, addresses or parameters.

    A master candidate holds the configuration, may sign it, and may log in to the other nodes.  An
    offline node is never contacted: that is also what failover takes as proof that nothing runs
    there, so marking it is refused while the node answers and runs instances.  A drained node keeps
    its instances and gets no new ones.  A node that comes back must answer and must not run what
    has been started elsewhere meanwhile.

    A new address must be set on the node already: the host there has to show the pinned host key.
    """

    hook = "node-modify"
    rapi = "POST /2/nodes/{name}/modify"
    examples = (
        ("gnt-node modify --offline=yes node3", "node3 is dead, and certainly without power"),
        ("gnt-node modify -C yes node2", "make it a master candidate"),
        ("gnt-node modify --primary-ip 192.0.2.7 node2", "it has that address already"),
        ("gnt-node modify --node-parameters spindle_count=4 node2", "set a node parameter"),
    )

    name: str = arg(TEXT, "node", complete="node")
    master_candidate: bool | None = opt(BOOL, "holds the configuration", default=None, short="-C")
    drained: bool | None = opt(BOOL, "gets no new instances", default=None, short="-D")
    offline: bool | None = opt(BOOL, "is never contacted", default=None, short="-O")
    master_capable: bool | None = opt(BOOL, "may become a candidate", default=None)
    vm_capable: bool | None = opt(BOOL, "may run instances", default=None)
    node_powered: bool | None = opt(BOOL, "is recorded to have power", default=None)
    auto_promote: bool = opt(BOOL, "fill the candidate pool again after -C no", default=False)
    primary_ip: str = opt(IP, "the address at which it is reached", default="")
    secondary_ip: str = opt(IP, "its address for replication and migration", default="", short="-s")
    node_parameters: Mapping[str, str] = opt(
        PAIRS, "node parameters of its own; KEY=default takes one back", default={})
    force: bool = opt(BOOL, "also when the candidate pool shrinks below its size", default=False,
                      short="-f")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        if self.primary_ip:
            cfg = session.config()
            node, new = self._change(cfg)
            if new.primary_ip != node.primary_ip:
                _address.require_same_host(
                    session, node, new.primary_ip, inherit.node(cfg, new).ssh_port)
        return (self,)

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        node = cfg.node(self.name)
        return _hooks.node(node.name, node)

    def holds(self, cfg: Config) -> Holds:
        node, new = self._change(cfg)
        told = node.master_candidate != new.master_candidate or _address.changed(node, new)
        return Holds(exclusive=(f"nodes/{node.uuid}", *((_role.KEYS,) if told else ())))

    def exact(self, cfg: Config) -> bool:
        return _leave.leaves(*self._change(cfg))

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        node, new = self._change(cfg)
        if _return.returns(node, new):
            yield from _return.facts(cfg, node)
        if _leave.leaves(node, new):
            yield from _leave.facts(cfg, node)
        if new.master_candidate and not node.master_candidate:
            yield _setup.keys.on(node.name)
        elif node.master_candidate and not new.master_candidate:
            yield from _role.greet(cfg, _gone(new))
        elif _address.changed(node, new):
            yield from _address.facts(cfg)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        node, new = self._change(cfg)
        if new == node:
            return unchanged(self)
        edit = change(new)
        back = _return.plan(cfg, node, new, seen) if _return.returns(node, new) else Plan()
        if _leave.leaves(node, new):
            why = _leave.OFFLINE if new.offline else _leave.NOT_CAPABLE
            back = Plan(notes=_leave.require_empty(cfg, node, seen, why))
        if new.master_candidate and not node.master_candidate:
            return back + self._promote(cfg, node, new, edit, seen)
        if node.master_candidate and not new.master_candidate:
            _role.require_all(_role.greet(cfg, _gone(new)), seen)
            return back + self._demote(cfg, node, new, edit)
        if _address.changed(node, new):
            return back + _address.plan(cfg, node, new, edit, seen)
        return back + Plan(end=(edit,))

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        told = _gate.then(cfg) if self.changes_signers else ()
        if self.master_candidate:
            return told  # which may be one of a refill
        if self.master_candidate is None:
            return (*told, *_role.refill(cfg))
        return (*told, *(_role.refill(cfg, without=self.name) if self.auto_promote else ()))

    @property
    def changes_signers(self) -> bool:
        """Whether it may make the node a candidate, or none any more."""
        roles = self.master_candidate, self.drained, self.offline, self.master_capable
        return any(role is not None for role in roles)

    def _promote(self, cfg: Config, node: Node, new: Node, edit: Edit, seen: Seen) -> Plan:
        found = seen[_setup.keys.on(node.name)]
        keys = _access.with_key(cfg.cluster.login_keys, found.login)
        signer = Signer(name=node.name, key=_access.plain(found.signer), comment="node")
        alone = cfg.cluster.signer_threshold > 1  # one person's command must not make signers
        return Plan(
            attempt=_let_in.on_all(cfg, keys, _let_in.with_changed(cfg, new)),
            end=(*(() if alone else (put(signer),)), change(cfg.cluster, login_keys=keys), edit),
            notes=(f"{node.name} becomes a master candidate"
                   f"{', and no signer: several must agree to that' if alone else ''}",),
        )

    def _demote(self, cfg: Config, node: Node, new: Node, edit: Edit) -> Plan:
        keys = _access.without_owner(cfg.cluster.login_keys, node.name)
        steps = _let_in.on_all(cfg, keys, _let_in.with_changed(cfg, new))
        return Plan(
            pivot=(edit,), settle=steps,
            end=_role.disowned(cfg, node.name),
            notes=(f"{node.name} is no master candidate any more",),
        )

    def _change(self, cfg: Config) -> tuple[Node, Node]:
        """(the node, as it will be); refuses what cannot be."""
        node = cfg.node(self.name)
        typed = inherit.parse(inherit.NodeParams, self.node_parameters, "--node-parameters")
        if "exclusive_storage" in typed:
            raise Invalid("--node-parameters", "exclusive_storage is set for groups or the cluster",
                          hint="gnt-group modify --node-parameters exclusive_storage=… GROUP")
        asked = {
            "master_candidate": self.master_candidate, "drained": self.drained,
            "offline": self.offline, "master_capable": self.master_capable,
            "vm_capable": self.vm_capable, "powered": self.node_powered,
            "primary_ip": self.primary_ip or None, "secondary_ip": self._secondary(node),
            "ndparams": inherit.overlay(node.ndparams, typed) if typed else None,
            **dict(self.states(node)),
        }
        new = node.replace(**{name: value for name, value in asked.items() if value is not None})
        if self.master_candidate is None and not may_stay(new):
            new = new.replace(master_candidate=False)
        self._check(cfg, node, new)
        return node, new

    def _secondary(self, node: Node) -> str | None:
        """It follows the primary address where both are one."""
        if self.secondary_ip or not self.primary_ip or node.secondary_ip != node.primary_ip:
            return self.secondary_ip or None
        return self.primary_ip

    def _check(self, cfg: Config, node: Node, new: Node) -> None:
        self._check_power(cfg, node, new)
        if _address.changed(node, new):
            _address.require_free(cfg, new)
            if node.master_candidate != new.master_candidate:
                raise Conflict("a node's role and its addresses are changed one after the other",
                               hint="leave one of the options out")
        if new.offline and new.drained:
            raise Conflict(f"{node.name} cannot be offline and drained",
                           hint="--offline=no or --drained=no")
        if node.uuid == cfg.cluster.master_node and not new.master_candidate:
            raise Conflict(f"{node.name} is the master: it cannot be offline, drained, "
                           "no candidate or not master-capable",
                           hint="gnt-cluster master-failover on another")
        if new.master_candidate and not may_stay(new):
            raise Conflict(f"{node.name} cannot be a master candidate: it is {_hindered(new)[0]}",
                           hint=f"gnt-node modify {_hindered(new)[1]} {node.name} first")
        if not new.vm_capable and cfg.instances_on(node):
            raise Conflict(f"{node.name} runs instances: "
                           f"{', '.join(inst.name for inst in cfg.instances_on(node)[:5])}",
                           hint="move them first")
        if node.master_candidate and not new.master_candidate:
            self._check_pool(cfg, node)

    def _check_power(self, cfg: Config, node: Node, new: Node) -> None:
        if self.node_powered is not None:
            _oob.required(cfg, node)
        if node.offline and not new.offline and not new.powered:
            raise Conflict(f"{node.name} is recorded to be without power",
                           hint=f"gnt-node power on {node.name}, or --node-powered=yes")

    def _check_pool(self, cfg: Config, node: Node) -> None:
        """A demotion by itself must leave enough candidates; losing a node cannot be refused."""
        left = len(cfg.candidates) - 1
        if self.master_candidate is False and left < cfg.cluster.candidate_pool_size and not (
            self.force or self.auto_promote
        ):
            raise Conflict(
                f"without {node.name} there are {left} master candidates, the pool's size is "
                f"{cfg.cluster.candidate_pool_size}",
                hint="--auto-promote, -f, or gnt-cluster modify -C SIZE")


def may_stay(node: Node) -> bool:
    """Whether nothing forbids the node to be a candidate."""
    return node.master_capable and not node.offline and not node.drained


def _hindered(node: Node) -> tuple[str, str]:
    """Why it may be no candidate, and the option that ends that."""
    if node.offline:
        return "marked offline", "--offline=no"
    return ("drained", "--drained=no") if node.drained else (
        "not master-capable", "--master-capable=yes")


def _gone(new: Node) -> tuple[str, ...]:
    """The node itself, when nobody talks to it any more."""
    return (new.name,) if new.offline else ()
