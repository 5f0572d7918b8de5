"""gnt-instance failover."""

from __future__ import annotations

from gnt.commands.instance import _disks, _guest, _life, _mirror, _move
from gnt.commands.instance._moving import Moving
from gnt.commands.node import _oob, _witness
from gnt.errors import Conflict
from gnt.hypervisor.base import hypervisor
from gnt.model import inherit
from gnt.model.objects import Node
from gnt.plan import Plan
from gnt.spec import opt, opts
from gnt.values import BOOL, DURATION, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.hypervisor.base import Guest
    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call, Step
    from gnt.spec import Seen

#: Failures that a host without power could not tell of.
ALIVE = ("failed", "fenced")


class Failover(Moving, command="instance failover"):
    """Stop an instance and start it on another node.

    When its node answers, it is shut down there first, and started there again should the other
    node fail.  When its node does not answer, the instance may still run and write to its disks:
    failing over then needs proof that it does not.  Proof is a node marked offline, an out-of-band
    program that says it is off (gnt-node power), or your word that you have powered it off.
    """

    hook = "instance-failover"
    rapi = "PUT /2/instances/{name}/failover"
    examples = (
        ("gnt-instance failover web", "to the node with the most room"),
        ("gnt-instance failover --i-have-powered-off node1 -n node3 web",
         "node1 is dead, and you have made sure of it"),
    )

    i_have_powered_off: tuple[str, ...] = opts(
        TEXT, "a node that is without power: nothing runs there, on your word", default=(),
        metavar="NODE")
    shutdown_timeout: int = opt(DURATION, "how long shutting down may take",
                                default=_life.TIMEOUT)
    ignore_consistency: bool = opt(BOOL, "also when the copy on the target may not be whole",
                                   default=False)
    ignore_ipolicy: bool = opt(BOOL, "also when the target's policy does not allow it",
                               default=False)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def confirm(self, cfg: Config) -> str:
        if self.force or self.cleanup:
            return ""
        inst = cfg.instance(self.name)
        how = "shut down" if inst.admin_state == "up" else "moved"
        return f"Fail instance {inst.name} over? It is {how} and comes up on another node."

    def questions(self, cfg: Config, inst: Instance) -> Iterator[Call[Any]]:
        source = _life.home(cfg, inst)
        if not source.offline:
            yield _life.running(inst, source)
            if self._word(cfg, source):
                yield from _witness.looks(cfg, source)
            power = _oob.question(cfg, source)
            if power is not None:
                yield power
        yield from super().questions(cfg, inst)
        asked = _move.candidates(cfg, inst, self.target_node)
        yield from _mirror.ask_histories(cfg, inst, (source, *asked))

    def moved(self, cfg: Config, inst: Instance, seen: Seen) -> Plan:
        source = _life.home(cfg, inst)
        dead = self._proof(cfg, inst, source, seen)
        unseen = _life.require_nowhere_else(cfg, inst, seen)
        runs = not dead and self._asked(inst, source, seen)
        starts = inst.admin_state == "up"
        memory = inherit.backend(cfg, inst).maxmem if starts else 0
        chosen = _move.choose(cfg, inst, self.target_node, seen, memory, explain=self.explain)
        target = chosen.node
        unsure = () if self.ignore_consistency else _mirror.require_usable(
            cfg, inst, target, source, seen, dead=bool(dead))
        if not self.ignore_ipolicy:
            _move.enforce(cfg, inst, target)
        runtime = seen[_move.needs(cfg, inst)[target.group].capable(target)].runtime
        mirrored = _disks.mirrored(inst)
        moved = _move.settle_home(cfg, inst, target, runtime=dict(runtime),
                                  disks_active=starts or (mirrored and inst.disks_active))
        disks = cfg.disks(inst)
        here = _guest.guest(cfg, inst, source)
        there = _guest.guest(cfg, inst.replace(runtime=dict(runtime)), target)
        attempt: list[Step] = []
        if dead:
            cfg = cfg.plus(source.replace(offline=True))
        else:
            attempt += self._stop(inst, here, runs)
            attempt += _disks.release(cfg, disks, source, again=runs)
        if starts:
            attempt += _disks.activate(cfg, disks, target, anyway=self.ignore_consistency)
            attempt += _life.up(cfg, inst, there, (), target)
        left = () if mirrored else disks  # the other side of a mirror stays in use
        return Plan(
            attempt=tuple(attempt), pivot=moved,
            settle=() if dead else tuple(_life.clear(cfg, here, left, source)),
            notes=(dead or f"{inst.name} is shut down on {source.name} first", *unseen,
                   f"{inst.name} moves from {source.name} to {target.name}", *unsure, *chosen.notes,
                   *(_move.notes(cfg, inst, target, seen) if starts else ())),
        )

    def _stop(self, inst: Instance, here: Guest, runs: bool) -> Iterator[Step]:
        """Ended at its home: the proof.  Undone by starting it again, if it ran."""
        driver = hypervisor(inst.hypervisor)
        again = [step.do for step in driver.start(here)] if runs else []
        steps = list(driver.stop(here, self.shutdown_timeout))
        more = max(0, len(again) - len(steps))  # each call that starts it needs a step to undo
        steps += [steps[-1].replace(title=f"make sure that {here.name} has ended")] * more
        for step in steps:  # undone from the last to the first
            yield step.replace(undo=again.pop() if again else None)

    def _proof(self, cfg: Config, inst: Instance, source: Node, seen: Seen) -> str:
        """Why nothing can run on the source, which is not to be asked to end it; empty: nothing
        says so.  Raises when the node itself says that your word is not right."""
        if source.offline:
            return f"{source.name} is marked offline: taken as proof that nothing runs there"
        word = self._word(cfg, source)
        failed = seen.failed(_life.running(inst, source))
        if failed is None or failed.kind in ALIVE:
            if word and (failed is not None or _life.runs_on(inst, source, seen)):
                raise Conflict(
                    f"{source.name} answers"
                    f"{f' and runs {inst.name}' if failed is None else f': {failed.problem}'}: it "
                    "is not without power",
                    hint=f"gnt-instance failover {inst.name}, without --i-have-powered-off, shuts "
                         "it down there first")
            return ""
        if word:
            _witness.require_unseen(cfg, source, seen)
            return f"{source.name} is without power, on your word"
        if _oob.says_off(cfg, source, seen):
            return f"{source.name} is off, as its out-of-band program says"
        return ""

    def _word(self, cfg: Config, source: Node) -> bool:
        return source.uuid in {cfg.node(name).uuid for name in self.i_have_powered_off}

    def _asked(self, inst: Instance, source: Node, seen: Seen) -> bool:
        """Whether it runs at home; raises when the node cannot be asked."""
        failed = seen.failed(_life.running(inst, source))
        if failed is not None:
            raise Conflict(
                f"{source.name} does not answer ({failed.problem}): {inst.name} may still run "
                "there and write to its disks",
                hint=f"make sure that {source.name} is without power, then "
                     f"gnt-instance failover --i-have-powered-off {source.name} {inst.name}")
        return _life.runs_on(inst, source, seen)

    def checked(self, cfg: Config) -> Instance:
        for name in self.i_have_powered_off:
            cfg.node(name)
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        if not self.cleanup:
            _move.require_reachable(cfg, inst)
        return inst
