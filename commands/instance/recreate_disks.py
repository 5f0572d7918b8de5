"""gnt-instance recreate-disks."""

from __future__ import annotations

from gnt.commands import _allocator
from gnt.commands._edits import change
from gnt.commands.instance import _disks, _life, _move, _place
from gnt.commands.instance._select import One
from gnt.errors import Conflict
from gnt.model.objects import Disk as Kind
from gnt.model.objects import Group, Node
from gnt.plan import Plan
from gnt.spec import opt, opts
from gnt.values import NAMED_PAIRS, SIZE, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance
    from gnt.plan import Call
    from gnt.spec import Holds, Operation, Seen, Session


class RecreateDisks(One, command="instance recreate-disks"):
    """Make an instance's lost disks anew, empty, on its node or on another one.

    The instance must be down.  A disk that is still there is left as it is.  With -n or -I its
    home changes; that is for a node that is lost with everything on it, so the old one must be
    marked offline.
    """

    hook = "instance-recreate-disks"
    rapi = "POST /2/instances/{name}/recreate-disks"
    examples = (
        ("gnt-instance recreate-disks web", "all of them, on its node"),
        ("gnt-instance recreate-disks --disk 1:size=20g web", "the second one, with a new size"),
        ("gnt-instance recreate-disks -I hail web", "on the best other node"),
    )

    disk: tuple[tuple[str, Mapping[str, str]], ...] = opts(
        NAMED_PAIRS, "only this disk, by number or name, perhaps with another size", default=(),
        metavar="N[:size=SIZE]")
    node: str = opt(TEXT, "its new home", default="", short="-n", metavar="NODE")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")

    def prepare(self, session: Session) -> tuple[Operation, ...]:
        _allocator.require_alone(self.iallocator, self.node)
        node = self.node or (self.iallocator and _allocator.by_script(
            session, self.iallocator, self._question))
        return (self.replace(node=node, iallocator="" if node else self.iallocator),)

    def _question(self, cfg: Config) -> Mapping[str, Any]:
        """A script is asked as for a new instance: nothing of the old one is left to be moved."""
        from gnt.htools import request

        inst, sizes = self._checked(cfg)
        disks = [(sizes.get(disk.uuid) or disk.size, disk.mode, disk.spindles)
                 for disk in cfg.disks(inst)]
        group = cfg.one(Group, _life.home(cfg, inst).group)
        return request.allocate(cfg, inst, group, disks, required=1)

    def holds(self, cfg: Config) -> Holds:
        return _move.holds(cfg, cfg.instance(self.name), self.node)

    def facts(self, cfg: Config) -> Iterator[Call[Any]]:
        inst, _ = self._checked(cfg)
        yield from _life.ask(cfg, inst)
        if self.moves:
            yield from _move.facts(cfg, inst, self.node)
        else:
            home = _life.home(cfg, inst)
            yield from _move.needs(cfg, inst)[home.group].ask(cfg, home)

    def plan(self, cfg: Config, seen: Seen) -> Plan:
        inst, sizes = self._checked(cfg)
        home = _life.home(cfg, inst)
        if not home.offline:
            _life.require_ended(inst, home, seen)
        target = home
        if self.moves:
            target = _move.choose(cfg, inst, self.node, seen, 0).node
        else:
            _life.require_online(home, inst)
        disks = [self._made(cfg.one(Kind, uuid), home, target, sizes.get(uuid))
                 for uuid in inst.disks]
        chosen = [disk for disk in disks if disk.uuid in sizes]
        able = _move.needs(cfg, inst)[target.group]
        _place.require_disk(cfg, seen, target, able, _disks.room(chosen), inst.name)
        changed = [disk for disk in disks if disk != cfg.one(Kind, disk.uuid)]
        edits = [change(cfg.one(Kind, disk.uuid), size=disk.size, nodes=disk.nodes)
                 for disk in changed]
        if target != home:
            edits.append(change(inst, primary_node=target.uuid))
        elif _disks.mirrored(inst):
            edits.append(change(inst, disks_active=True))
        steps = tuple(step for disk in chosen for step in _disks.remake(cfg, [disk]))
        if target == home:  # nothing that was there before is taken away again
            steps = tuple(step.replace(undo=None) for step in steps)
        return Plan(attempt=steps, end=tuple(edits),
                    notes=(f"{len(chosen)} disk(s) of {inst.name} are made on {target.name}; "
                           "what is there is left as it is",))

    @property
    def moves(self) -> bool:
        return bool(self.node or self.iallocator)

    def _checked(self, cfg: Config) -> tuple[Instance, dict[str, int | None]]:
        """The instance, and the disks to make with their new sizes."""
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        _life.require_down(inst, "making its disks anew")
        if not inst.disks:
            raise Conflict(f"{inst.name} has no disks ({inst.disk_template})")
        home = cfg.one(Node, inst.primary_node)
        if self.moves and _disks.mirrored(inst):
            raise Conflict(
                f"the disks of {inst.name} have a second copy, which is made anew instead",
                hint=f"gnt-instance failover {inst.name}, then gnt-instance replace-disks -n NODE")
        if self.moves and not home.offline:
            raise Conflict(f"{home.name}, where {inst.name} has its disks, is not marked offline",
                           hint=f"without -n and -I they are made there; gnt-node modify "
                                f"--offline=yes {home.name} when it is lost")
        disks = cfg.disks(inst)
        if not self.disk:
            return inst, dict.fromkeys(inst.disks)
        if self.moves:
            raise Conflict("all disks of an instance move together", hint="leave --disk out")
        return inst, {
            disks[_disks.pick(disks, word, inst.name)].uuid:
                SIZE.read(typed["size"], f"--disk {word}.size") if "size" in typed else None
            for word, typed in self.disk}

    def _made(self, disk: Disk, home: Node, target: Node, size: int | None) -> Disk:
        nodes = tuple(target.uuid if uuid == home.uuid else uuid for uuid in disk.nodes)
        return disk.replace(nodes=nodes, size=disk.size if size is None else size)
