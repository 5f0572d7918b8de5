"""What failover and migrate share: where to, and looking where an instance runs, after all."""

from __future__ import annotations

from gnt.commands import _allocator
from gnt.commands.instance import _disks, _guest, _life, _mirror, _move
from gnt.commands.instance._select import One
from gnt.errors import Conflict, Invalid
from gnt.plan import Plan
from gnt.spec import Holds, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.plan import Call
    from gnt.spec import Operation, Seen, Session


class Moving(One):
    """The instance goes to another node."""

    target_node: str = opt(TEXT, "node to move it to (default: the best for the cluster)",
                           default="", short="-n", metavar="NODE")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    explain: bool = opt(BOOL, "say of each node why it was not chosen", default=False)
    cleanup: bool = opt(BOOL, "only find out where it runs and record that", default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """With the node that -n names, or the script that -I does; none: the built-in choice."""
        _allocator.require_alone(self.iallocator, self.target_node)
        if self.cleanup:
            return (self,)
        mirrored = _disks.mirrored(self.subject(session.config()))
        if self.iallocator and mirrored:
            raise Invalid("-I", f"{self.name} can only move to the node with the second copy of "
                          "its disks", hint="leave -I out; gnt-instance replace-disks -I moves the "
                          "second copy")
        node = self.target_node or ("" if mirrored else _move.by_script(
            session, self.name, self.iallocator))
        return (self.replace(target_node=node),)

    def holds(self, cfg: Config) -> Holds:
        return _move.holds(cfg, self.subject(cfg), self.target_node)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst = self.checked(cfg)
        if self.cleanup:
            yield from (_life.running(inst, node) for node in _hosts(cfg))
        else:
            yield from self.questions(cfg, inst)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst = self.checked(cfg)
        return _cleanup(cfg, inst, seen) if self.cleanup else self.moved(cfg, inst, seen)

    def checked(self, cfg: Config) -> Instance:
        """The instance; Conflict where the configuration alone says that it cannot be."""
        raise NotImplementedError

    def questions(self, cfg: Config, inst: Instance) -> Iterator[Call[Any]]:
        """What to ask, at least the nodes where it could run already, or is to go to."""
        yield from (_life.running(inst, other) for other in _life.others(cfg, inst))
        yield from _move.facts(cfg, inst, self.target_node)
        yield from _mirror.ask(inst, _move.candidates(cfg, inst, self.target_node))

    def moved(self, cfg: Config, inst: Instance, seen: Seen) -> Plan:
        """How it gets there."""
        raise NotImplementedError


def _hosts(cfg: Config) -> list[Node]:
    """The nodes that could run something."""
    return [node for node in cfg.online() if node.vm_capable]


def _cleanup(cfg: Config, inst: Instance, seen: Seen) -> Plan:
    """Record where the instance runs, after somebody was cut off."""
    asked = _hosts(cfg)
    where = [node for node in asked if not seen.failed(_life.running(inst, node))
             and _life.runs_on(inst, node, seen)]
    silent = [node.name for node in asked if seen.failed(_life.running(inst, node))]
    if len(where) > 1:
        raise Conflict(
            f"{inst.name} runs on {' and '.join(node.name for node in where)}",
            hint="end one of them by hand first: two of them write to the same disks")
    if silent:
        raise Conflict(f"{', '.join(silent)} did not answer: {inst.name} may run there",
                       hint="gnt-node modify --offline=yes NODE once it is powered off")
    if not where:
        return Plan(notes=(f"{inst.name} runs nowhere",))
    if where[0].uuid == inst.primary_node:
        return Plan(notes=(f"{inst.name} runs on its home {where[0].name}: nothing to do",))
    home, disks = _life.home(cfg, inst), cfg.disks(inst)
    settle = () if home.offline else (*_life.unplug(_guest.guest(cfg, inst, home)),
                                      *_disks.unshare(cfg, disks, home, where[0]))
    return Plan(pivot=_move.settle_home(cfg, inst, where[0], admin_state="up"), settle=settle,
                notes=(f"{inst.name} runs on {where[0].name}, which becomes its home",))
