"""gnt-node power."""

from __future__ import annotations

from gnt.commands._edits import change
from gnt.commands.node import _oob, _role
from gnt.errors import Conflict, Invalid
from gnt.plan import Plan, Step
from gnt.spec import Column, Holds, Operation, Table, arg, args, opt
from gnt.values import BOOL, TEXT, choice, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.spec import Seen, Session


class Power(Operation, command="node power"):
    """Switch nodes on or off, or ask whether they have power, by their out-of-band program.

    The node parameter oob_program names it; it runs on the master.  A switch has happened when the
    program's power-status says so.  A node must be marked offline before it loses its power, and
    once the program says that it is off, that is proof for failover that nothing runs there.
    """

    tabular = True
    examples = (
        ("gnt-node power status", "every node that has an out-of-band program"),
        ("gnt-node power off node3", "node3 is marked offline already"),
        ("gnt-node power on --power-delay 5 node3 node4", "one after the other"),
    )

    action: str = arg(choice("on", "off", "cycle", "status"), "on, off, cycle or status")
    names: tuple[str, ...] = args(TEXT, "nodes (status: all by default)", default=(),
                                  complete="node")
    ignore_status: bool = opt(BOOL, "also a node that is not marked offline", default=False)
    oob_timeout: int = opt(whole(1, _oob.LONGEST), "how long the program may take",
                           default=_oob.TIMEOUT, metavar="SECONDS")
    power_delay: int = opt(whole(0, 60), "wait between nodes that are switched on", default=2,
                           metavar="SECONDS")
    auto_promote: bool = opt(BOOL, "fill the candidate pool afterwards", default=False)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        cfg = session.config()
        if self.action == "status":
            self._show(session, cfg)
            return ()
        if not self.names:
            raise Invalid("", f"power {self.action} needs the names of nodes")
        chosen = [cfg.node(name) for name in self.names]
        for node in chosen:
            self._check(cfg, node)
        last = len(chosen) - 1
        if last and not self.force and self.action != "on":  # one question, not one for each
            session.confirm(f"Power {self.action} {len(chosen)} nodes? What runs there ends at "
                            "once.", [node.name for node in chosen])
        return tuple(
            self.replace(names=(node.name,), force=self.force or bool(last),
                         power_delay=self.power_delay if at < last else 0)
            for at, node in enumerate(chosen))

    def confirm(self, cfg: Config) -> str:
        if self.force or self.action == "on":
            return ""
        return f"Power {self.action} {self._node(cfg).name}? What runs there ends at once."

    def holds(self, cfg: Config) -> Holds:
        return Holds(exclusive=(f"nodes/{self._node(cfg).uuid}",))

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        node = self._node(cfg)
        self._check(cfg, node)
        program, master = _oob.required(cfg, node), cfg.master.name
        if self.action == "cycle":
            call = _oob.cycle.on(master, program, node.name, self.oob_timeout)
        else:
            on = self.action == "on"
            call = _oob.switch.on(master, program, node.name, self.oob_timeout, on,
                                  self.power_delay if on else 0)
        has = self.action != "off"
        return Plan(attempt=(Step(do=call, title=f"power {self.action} {node.name}"),),
                    end=() if node.powered == has else (change(node, powered=has),))

    def then(self, cfg: Config) -> tuple[Operation, ...]:
        return _role.refill(cfg) if self.auto_promote else ()

    def _node(self, cfg: Config) -> Node:
        if len(self.names) != 1:
            raise Invalid("", "power is planned for one node at a time")
        return cfg.node(self.names[0])

    def _check(self, cfg: Config, node: Node) -> None:
        _oob.required(cfg, node)
        if self.action == "on":
            return
        if node.uuid == cfg.cluster.master_node:
            raise Conflict(f"{node.name} is the master, which would switch itself off",
                           hint="gnt-cluster master-failover --to another candidate first")
        if not node.offline and not self.ignore_status:
            raise Conflict(f"{node.name} is not marked offline: what runs there would be lost",
                           hint=f"gnt-node modify --offline=yes {node.name}, or --ignore-status")

    def _show(self, session: Session, cfg: Config) -> None:
        nodes = [cfg.node(name) for name in self.names] or cfg.nodes
        calls = {node.name: _oob.powered.on(cfg.master.name, found, node.name, self.oob_timeout)
                 for node in nodes if (found := _oob.program(cfg, node))}
        seen = session.ask(calls.values())
        rows, problems = [], []
        for node in nodes:
            call = calls.get(node.name)
            failed = seen.failed(call) if call else None
            if failed is not None:
                problems.append(f"{node.name}: {failed.message}")
            state = "unknown" if call is None or failed else ("on" if seen[call] else "off")
            rows.append((node.name, state, "on" if node.powered else "off"))
        session.show(Table(columns=(
            Column(name="node", title="Node"), Column(name="power", title="Power"),
            Column(name="recorded", title="Recorded")), rows=tuple(rows),
            problems=tuple(problems)))
