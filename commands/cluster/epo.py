"""gnt-cluster epo."""

from __future__ import annotations

from gnt.commands._each import tried
from gnt.commands.instance import _life
from gnt.commands.instance.shutdown import Shutdown
from gnt.commands.instance.startup import Startup
from gnt.commands.node import _awake, _oob
from gnt.commands.node.modify import Modify
from gnt.commands.node.power import Power
from gnt.errors import Invalid
from gnt.spec import Action, args, opt
from gnt.values import BOOL, DURATION, TEXT, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.spec import Session


class Epo(Action, command="cluster epo"):
    """Power nodes off in an emergency, or on again afterwards.

    Off: the instances on them are shut down (and are started again by --on, as their state stays
    recorded), the nodes marked offline and switched off by their out-of-band programs; those
    without one are named, to be switched off by hand.  The master stays: it comes last, by hand.
    On: the nodes are switched on, waited for, taken back, and their instances started.
    Every part is a job of its own; what fails is named, and the rest goes on.
    """

    examples = (
        ("gnt-cluster epo --all", "the cooling has failed"),
        ("gnt-cluster epo --on --all", "everything back"),
        ("gnt-cluster epo --groups rack2", "one rack"),
    )

    names: tuple[str, ...] = args(TEXT, "nodes, or groups with --groups", default=(),
                                  complete="node")
    on: bool = opt(BOOL, "bring everything back", default=False)
    groups: bool = opt(BOOL, "the words are groups", default=False)
    every: bool = opt(BOOL, "all nodes", default=False, name="all")
    oob_timeout: int = opt(whole(1, _oob.LONGEST), "how long the out-of-band program may take",
                           default=_oob.TIMEOUT, metavar="SECONDS")
    shutdown_timeout: int = opt(DURATION, "how long an instance gets to shut down",
                                default=_life.TIMEOUT)
    power_delay: int = opt(whole(0, 60), "wait between nodes that are switched on", default=2,
                           metavar="SECONDS")
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def run(self, session: Session) -> int:
        cfg = session.config()
        nodes = self._nodes(cfg)
        if not self.force:
            what = "on again" if self.on else "off, with everything that runs there"
            session.confirm(f"Switch {_counted(nodes)} {what}?", _affected(cfg, nodes))
        bad = self._bring_back(session, cfg, nodes) if self.on else self._end(session, cfg, nodes)
        for line in bad:
            session.tell(line)
        return 1 if bad else 0

    def _nodes(self, cfg: Config) -> list[Node]:
        if self.every == bool(self.names):
            raise Invalid("", "either names are needed, or --all",
                          hint="gnt-cluster epo --help")
        if self.every:
            chosen = cfg.nodes
        elif self.groups:
            wanted = {cfg.group(name).uuid for name in self.names}
            chosen = [node for node in cfg.nodes if node.group in wanted]
        else:
            chosen = [cfg.node(name) for name in self.names]
        return sorted(chosen, key=lambda node: node.uuid == cfg.cluster.master_node)

    def _end(self, session: Session, cfg: Config, nodes: Iterable[Node]) -> list[str]:
        bad: list[str] = []
        for node in nodes:
            held = True
            for inst in cfg.instances_on(node) if not node.offline else ():
                if inst.admin_state == "up":
                    held &= tried(session, bad, Shutdown(
                        names=(inst.name,), timeout=self.shutdown_timeout, remember=False))
            if node.uuid == cfg.cluster.master_node:
                bad.append(f"{node.name} is the master: switch it off by hand, as the last one")
            elif held:
                self._switch_off(session, cfg, node, bad)
        return bad

    def _switch_off(self, session: Session, cfg: Config, node: Node, bad: list[str]) -> None:
        """Marked offline first: nobody is to talk to it any more."""
        if not node.offline and not tried(session, bad, Modify(name=node.name, offline=True)):
            return
        if _oob.program(cfg, node):
            tried(session, bad, Power(action="off", names=(node.name,), force=True,
                                      oob_timeout=self.oob_timeout))
        else:
            bad.append(f"{node.name} has no out-of-band program: switch it off by hand")

    def _bring_back(self, session: Session, cfg: Config, nodes: Iterable[Node]) -> list[str]:
        bad: list[str] = []
        switched = [node for node in nodes if node.offline and _oob.program(cfg, node)]
        if switched:
            tried(session, bad, Power(
                action="on", names=tuple(node.name for node in switched), force=True,
                power_delay=self.power_delay, oob_timeout=self.oob_timeout))
        back = [node for node in nodes if node.offline]
        silent = _awake.missing(session, [node.name for node in back])
        for node in back:
            if node.name in silent:
                bad.append(f"{node.name} does not answer after {_awake.BOOT} s")
            else:
                tried(session, bad, Modify(name=node.name, offline=False))
        for node in nodes:
            for inst in cfg.instances_on(node) if node.name not in silent else ():
                if inst.admin_state == "up":
                    tried(session, bad, Startup(names=(inst.name,)))
        return bad


def _counted(nodes: list[Node]) -> str:
    names = ", ".join(node.name for node in nodes[:8])
    return names + (f" and {len(nodes) - 8} more" if len(nodes) > 8 else "")


def _affected(cfg: Config, nodes: list[Node]) -> tuple[str, ...]:
    there = ((node.name, [inst.name for inst in cfg.instances_on(node)]) for node in nodes)
    return tuple(f"{name}: {', '.join(guests) or 'no instances'}" for name, guests in there)
