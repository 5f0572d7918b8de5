"""gnt-instance replace-disks."""

from __future__ import annotations

from gnt.commands import _allocator
from gnt.commands._edits import change, drop, put
from gnt.commands._space import Survey
from gnt.commands.instance import _disks, _life, _mirror, _move, _place
from gnt.commands.instance._select import One
from gnt.errors import Conflict, Invalid
from gnt.plan import Plan
from gnt.record import Record
from gnt.spec import opt
from gnt.values import BOOL, TEXT, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance, Node
    from gnt.plan import Call, Edit, Step
    from gnt.spec import Holds, Operation, Seen, Session
    from gnt.storage.base import Copy


class ReplaceDisks(One, command="instance replace-disks"):
    """Replace a copy of an instance's mirrored disks, while it runs.

    -n or -I moves the second copies to another node: until they are in step there, everything can
    be taken back.  -p, -s and -a make the copies on the instance's own node, on the other one, or
    where one is broken, anew on the same node, from the other copy.
    """

    hook = "mirrors-replace"
    rapi = "POST /2/instances/{name}/replace-disks"
    examples = (
        ("gnt-instance replace-disks -n node3 web", "the second copy goes to node3"),
        ("gnt-instance replace-disks -I hail web", "… to where the cluster is balanced best"),
        ("gnt-instance replace-disks -a web", "make anew what is broken"),
    )

    on_primary: bool = opt(BOOL, "make the copies on its own node anew", default=False, short="-p")
    on_secondary: bool = opt(BOOL, "make the copies on the other node anew", default=False,
                             short="-s")
    new_secondary: str = opt(TEXT, "node to which the second copies go", default="", short="-n",
                             metavar="NODE")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    auto: bool = opt(BOOL, "make the copies anew that are broken", default=False, short="-a")
    disks: tuple[str, ...] = opt(words_of(), "only these disks, by number (with -p and -s)",
                                 default=(), metavar="N,…")
    early_release: bool = opt(BOOL, "let the old copies go before the new ones are in step",
                              default=False)
    ignore_ipolicy: bool = opt(BOOL, "also when the instance policy does not allow it",
                               default=False)

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        """With the node that a script says."""
        _allocator.require_alone(self.iallocator, self.new_secondary)
        _mirror.driver(session.config().instance(self.name))
        node = _move.by_script(session, self.name, self.iallocator) if self.iallocator else ""
        return (self.replace(new_secondary=node, iallocator="") if node else self,)

    def holds(self, cfg: Config) -> Holds:
        return _move.holds(cfg, cfg.instance(self.name), self.new_secondary)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        asked = self._asked(cfg)
        yield from _mirror.ask(asked.inst, (asked.home, asked.second))
        yield from _mirror.ask_histories(cfg, asked.inst, (asked.home, asked.second))
        yield from (_life.running(asked.inst, other) for other in _life.others(cfg, asked.inst))
        for node in self._targets(cfg, asked):
            space = _mirror.driver(asked.inst).space(cfg, node)
            if space is not None:
                yield space
        if self.iallocator:
            yield from Survey(cfg).calls()

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        asked = self._asked(cfg)
        unseen = _life.require_nowhere_else(cfg, asked.inst, seen)
        made = (self._moved if self.moves else self._renewed)(cfg, asked, seen)
        return made.replace(notes=(*unseen, *made.notes))

    @property
    def moves(self) -> bool:
        return bool(self.new_secondary or self.iallocator)

    def _asked(self, cfg: Config) -> Asked:
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        _mirror.driver(inst)
        modes = [self.on_primary, self.on_secondary, self.auto, self.moves]
        if sum(modes) != 1:
            raise Invalid("", "one of -p, -s, -a, -n and -I is needed, to say which copies",
                          hint="gnt-instance replace-disks --help")
        if self.disks and (self.moves or self.auto):
            raise Invalid("--disks", "goes with -p and -s only",
                          hint="the second copies of all disks are on one node")
        home, second = _life.home(cfg, inst), _disks.second(cfg, inst)
        if second is None:
            raise Conflict(f"{inst.name} has no disks")
        _life.require_online(home, inst)
        own = cfg.disks(inst)
        chosen = [own[_disks.pick(own, word, inst.name)] for word in self.disks] or own
        return Asked(inst=inst, home=home, second=second, disks=tuple(chosen))

    def _targets(self, cfg: Config, asked: Asked) -> list[Node]:
        """The nodes that must have room, or could have it."""
        if not self.moves:
            return [node for node in (asked.home, asked.second) if not node.offline]
        if not self.new_secondary:
            return [node for node in cfg.nodes if not asked.unsuitable(cfg, node)]
        node = cfg.node(self.new_secondary)
        if node.uuid in (asked.home.uuid, asked.second.uuid):
            raise Conflict(f"{node.name} has a copy of {asked.inst.name}'s disks already",
                           hint="-n another node, or -s to make the copy there anew")
        _place.require_usable(node, new=True)
        return [node]

    def _moved(self, cfg: Config, asked: Asked, seen: Seen) -> Plan:
        """The second copies go to another node."""
        inst, home = asked.inst, asked.home
        target = self._targets(cfg, asked)[0] if self.new_secondary else self._best(
            cfg, asked, seen)
        if not self.ignore_ipolicy:
            _move.enforce(cfg, inst, target)
        _place.require_disk(cfg, seen, target, asked.needs(cfg, target), _disks.room(asked.disks),
                            inst.name)
        unsure = asked.require_good(cfg, home, asked.second, seen)
        start: list[Edit] = []
        attempt: list[Step] = []
        pivot: list[Edit] = []
        settle: list[Step] = []
        for disk in asked.disks:
            made = _mirror.driver(inst).move(cfg, disk, home, target, early=self.early_release)
            cfg = cfg.plus(made.held)
            start.append(put(made.held))
            attempt += made.attempt
            pivot += [*(put(thing) for thing in made.after), drop(made.held)]
            settle += made.settle
        return Plan(
            start=tuple(start), attempt=tuple(attempt), pivot=tuple(pivot), settle=tuple(settle),
            notes=(f"the second copies of {inst.name} go from {asked.second.name} to "
                   f"{target.name}",
                   *unsure, *asked.left_behind()))

    def _best(self, cfg: Config, asked: Asked, seen: Seen) -> Node:
        """Where the balance of the cluster is best."""
        from gnt.errors import NoCapacity
        from gnt.htools import place

        found = place.evacuate(Survey(cfg).world(seen), (asked.inst.name,), "secondary-only",
                               force=self.ignore_ipolicy)
        if found.failed:
            raise NoCapacity(f"no node can take the second copies of {asked.inst.name}: "
                             f"{found.failed[0][1]}", hint="-n NODE names one")
        ((_, _, ((_, name),)),) = found.moves
        return cfg.node(name)

    def _renewed(self, cfg: Config, asked: Asked, seen: Seen) -> Plan:
        """Copies are made anew where they are."""
        inst = asked.inst
        node, disks = (asked.broken(cfg, seen) if self.auto else
                       (asked.home if self.on_primary else asked.second, asked.disks))
        if not disks:
            return Plan(notes=(f"no copy of {inst.name}'s disks is broken",))
        _mirror.require_second(node, inst)
        other = asked.second if node == asked.home else asked.home
        _mirror.require_second(other, inst)
        unsure = asked.replace(disks=disks).require_good(cfg, other, node, seen)
        _place.require_disk(cfg, seen, node, asked.needs(cfg, node), _disks.room(disks), inst.name)
        attempt: list[Step] = []
        settle: list[Step] = []
        for disk in disks:
            before, after = _mirror.driver(inst).renew(cfg, disk, node, early=self.early_release)
            attempt += before
            settle += after
        names = ", ".join(disk.iv_name for disk in disks)
        return Plan(attempt=tuple(attempt), pivot=tuple(change(disk) for disk in disks),
                    settle=tuple(settle),
                    notes=(f"the copies of {names} of {inst.name} on {node.name} are made anew "
                           f"from {other.name}", *unsure))


class Asked(Record):
    """What is to be replaced, read."""

    inst: Instance
    home: Node
    second: Node
    disks: tuple[Disk, ...]

    def needs(self, cfg: Config, node: Node) -> _place.Needs:
        return _move.needs(cfg, self.inst)[node.group]

    def unsuitable(self, cfg: Config, node: Node) -> str:
        if node.uuid in (self.home.uuid, self.second.uuid):
            return "it has a copy already"
        return _place.unsuitable(cfg, node, self.home.group)

    def left_behind(self) -> tuple[str, ...]:
        """What a person should know of a node that cannot be reached."""
        if not self.second.offline:
            return ()
        return (f"{self.second.name} is offline: what it has of {self.inst.name} stays there",)

    def require_good(self, cfg: Config, node: Node, other: Node, seen: Seen) -> tuple[str, ...]:
        """Raise Conflict when the copies on the node, which those on the other one are to follow,
        are bad; else what a person should know."""
        if not self.inst.disks_active:
            return _mirror.require_newest(cfg, self.inst, node, other, seen, self.disks)
        for disk, copy in _mirror.copies(cfg, self.inst, node, seen):
            if disk in self.disks and (copy is None or copy.here != "UpToDate" or (
                    node == self.second and not _mirror.connected(copy))):
                raise Conflict(
                    f"the copy of {disk.iv_name} on {node.name} is {_mirror.state(copy)}: nothing "
                    "can be made from it",
                    hint=f"gnt-instance activate-disks --wait-for-sync {self.inst.name}")
        return ()

    def broken(self, cfg: Config, seen: Seen) -> tuple[Node, tuple[Disk, ...]]:
        """The node with copies that are broken, and their disks; Conflict when both have some."""
        found = {}
        for node in (self.home, self.second):
            bad = [] if node.offline else [
                disk for disk, copy in _mirror.copies(cfg, self.inst, node, seen)
                if self.inst.disks_active and (copy is None or _broken(copy) or (
                    node == self.second and _differs(copy)))]
            if bad:
                found[node.name] = (node, tuple(bad))
        if len(found) > 1:
            raise Conflict(f"both {' and '.join(found)} have broken copies of {self.inst.name}",
                           hint="-p or -s with --disks, one node after the other")
        return next(iter(found.values()), (self.home, ()))


def _broken(copy: Copy) -> bool:
    return copy.here in ("Diskless", "Failed", "DUnknown") or (
        copy.here in ("Inconsistent", "Outdated") and not copy.moving)


def _differs(copy: Copy) -> bool:
    """Whether it only seems the same as the other one."""
    return copy.link == "Connected" and copy.here == copy.there == "UpToDate" and copy.behind > 0
