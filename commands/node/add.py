"""gnt-node add."""

from __future__ import annotations

from gnt.commands import _access, _gate, _hooks, _state
from gnt.commands._edits import change, put
from gnt.commands.node import _address, _let_in, _meet, _return, _role, _setup
from gnt.errors import Conflict, NotFound
from gnt.model import inherit
from gnt.model.names import new_uuid
from gnt.model.objects import Group, Node
from gnt.plan import Plan, Step
from gnt.spec import Holds, Operation, arg, opt, opts
from gnt.values import BOOL, HOSTNAME, IP, PAIRS, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gnt.model.config import Config
    from gnt.spec import Seen, Session


class Add(_state.StateOptions, Operation, command="node add"):
    """Make a host a node of the cluster.

    Its SSH host keys are shown and pinned once you confirm them, or when --ssh-host-key names
    them.  The first login is with your own key or ssh-agent; after that the cluster's keys are let
    in, restricted to their nodes' addresses, and the node gets keys of its own.  It becomes a
    master candidate while there are fewer than the candidate pool's size.
    """

    hook = "node-add"
    examples = (
        ("gnt-node add node2.example.com", "shows its fingerprint and asks"),
        ("gnt-node add --ssh-host-key SHA256:uNiVztksCs… -g rack2 node3.example.com",
         "without questions, into a group"),
        ("gnt-node add --readd node2.example.com", "installed anew: pin its new keys"),
    )

    name: str = arg(HOSTNAME, "host name of the new node")
    ssh_host_key: str = opt(TEXT, "its host key: SHA256:… or the public key line", default="",
                            metavar="KEY")
    ssh_port: int | None = opt(whole(1, 65535), "where its sshd listens (default: as its group "
                               "has it, else 22)", default=None)
    ssh_key_check: bool = opt(BOOL, "confirm the host keys that it shows", default=True)
    secondary_ip: str = opt(IP, "its address for replication and migration", default="", short="-s")
    node_group: str = opt(TEXT, "group to put it in (default: the first)", default="", short="-g",
                          metavar="GROUP")
    readd: bool = opt(BOOL, "it was a node of this cluster and is installed anew", default=False)
    force_join: bool = opt(BOOL, "also when it holds a cluster's configuration", default=False)
    node_setup: bool = opt(BOOL, "make keys on it and let the cluster's in", default=True)
    master_capable: bool | None = opt(BOOL, "it may become a master candidate (default: yes)",
                                      default=None)
    vm_capable: bool | None = opt(BOOL, "it may run instances (default: yes)", default=None)
    node_parameters: Mapping[str, str] = opt(PAIRS, "node parameters of its own", default={})
    verbose: bool = opt(BOOL, "accepted and without effect", default=False, short="v", hidden=True)
    address: str = opt(TEXT, "its address, as found", default="", hidden=True)
    host_keys: tuple[str, ...] = opts(TEXT, "its host keys, as pinned", hidden=True,
                                      name="pinned-host-key")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        cfg = session.config()
        old = self._existing(cfg)
        port = inherit.node(cfg, self._made(cfg, old)).ssh_port
        node = _meet.meet(session, self.name, port, self.ssh_host_key, check=self.ssh_key_check)
        _meet.look(session, node, secondary=self.secondary_ip,
                   again=self.readd or self.force_join)
        if old is not None:
            _return.require_nothing_twice(cfg, old, session.ask(_return.guests(cfg, old)))
        return (self.replace(address=node.primary_ip, host_keys=node.host_keys),)

    def hook_env(self, cfg: Config) -> Mapping[str, str]:
        return {**_hooks.node(self.name), "NODE_PIP": self.address,
                "NODE_SIP": self.secondary_ip or self.address}

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"nodes/{self._uuid(cfg)}", _role.KEYS))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        old = self._existing(cfg)
        if old is None and cfg.state.find("instance.name", self.name):
            raise Conflict(f"{self.name} is the name of an instance")
        node = self._made(cfg, old)
        _address.require_free(cfg, node)
        start = put(node) if old is None else change(node)
        return Plan(start=(start,), attempt=self._steps(cfg, node, old),
                    end=_role.disowned(cfg, self.name) if old else (),
                    notes=(f"{self.name} is {self.address}",))

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return (*_gate.then(cfg), *_role.refill(cfg)) if self.readd else _role.refill(cfg)

    def _steps(self, cfg: Config, node: Node, old: Node | None) -> tuple[Step, ...]:
        if not self.node_setup:
            return ()
        before = lines = _access.lines(cfg)
        if old is not None:  # nobody lets in the keys any more that it had
            lines = _access.lines(cfg, _let_in.with_changed(cfg, node),
                                  _access.without_owner(cfg.cluster.login_keys, node.name))
        others = [other.name for other in cfg.online() if other.uuid != node.uuid]
        undo = None if self.readd else _setup.forget.on(node.name)
        return (
            Step(do=_setup.prepare.on(node.name, name=node.name, term=cfg.term), undo=undo,
                 title="folders and keys"),
            *_gate.installs(cfg, [node.name]),
            Step(do=_setup.authorize.on(node.name, lines=lines), title="let the cluster in"),
            *(_let_in.lines(others, lines, before) if lines != before else ()),
        )

    def _made(self, cfg: Config, old: Node | None) -> Node:
        """As it will be.  A node that is added again keeps what is not given."""
        fresh = Node(uuid=self._uuid(cfg), name=self.name, primary_ip=self.address,
                     secondary_ip=self.address, group=self._group(cfg))
        apart = old is not None and old.secondary_ip != old.primary_ip
        before = old or fresh
        given = {
            "secondary_ip": self.secondary_ip or (before.secondary_ip if apart else self.address),
            "ndparams": self._params(before), **dict(self.states(before)),
            **{name: value for name in ("master_capable", "vm_capable")
               if (value := getattr(self, name)) is not None},
        }
        made = before.replace(
            primary_ip=self.address, host_keys=self.host_keys, offline=False, drained=False,
            powered=True, master_candidate=False, **given)
        if made.group != self._group(cfg) and self.node_group:
            raise Conflict(f"{self.name} is in the group {cfg.one(Group, made.group).name}",
                           hint=f"gnt-group assign-nodes {self.node_group} {self.name}, afterwards")
        if old is not None and not made.vm_capable and cfg.instances_on(old):
            raise Conflict(f"{self.name} has instances, so it must be able to run them",
                           hint="leave out --vm-capable=no, or move them first")
        return made

    def _params(self, before: Node) -> dict[str, str | int | float | bool | None]:
        typed = dict(self.node_parameters)
        if self.ssh_port:
            typed["ssh_port"] = str(self.ssh_port)
        return inherit.overlay(
            before.ndparams, inherit.parse(inherit.NodeParams, typed, "--node-parameters"))

    def _uuid(self, cfg: Config) -> str:
        keys = cfg.state.find("node.name", self.name)
        return keys[0] if keys else new_uuid(cfg, "node", self.name)

    def _existing(self, cfg: Config) -> Node | None:
        """The node of this name; only --readd may meet one, and needs one."""
        keys = cfg.state.find("node.name", self.name)
        if keys and not self.readd:
            raise Conflict(f"node {self.name} is in the cluster already",
                           hint=f"gnt-node info {self.name}, or --readd if it is installed anew")
        if self.readd and not keys:
            raise NotFound(f"there is no node {self.name} to add again", hint="without --readd")
        if keys and keys[0] == cfg.cluster.master_node:
            raise Conflict(f"{self.name} is the master",
                           hint="gnt-cluster master-failover to another candidate first")
        return cfg.one(Node, keys[0]) if keys else None

    def _group(self, cfg: Config) -> str:
        """The group's uuid."""
        return cfg.group(self.node_group).uuid if self.node_group else cfg.groups[0].uuid
