"""Kill a driver at every point of a plan, then the recovery, then the recovery's recovery.

A *point* is a moment at which a driver can die: before, during and after every call on a node, and
before and after every commit.  A call that was in flight goes on without its driver, as remote
commands do, and takes effect only when somebody waits for the fence, or much later.
"""

from __future__ import annotations

from contextlib import suppress

from gnt.engine import driver, recover
from gnt.engine.desk import Desk
from gnt.engine.stop import Stop
from gnt.errors import Conflict, GntError, NodeFailed, NotFound
from gnt.spec import Operation
from tests.engine.toys import WISH, Ear
from tests.fakes.store import Disk, FakeStore
from tests.fakes.transport import FakeTransport, Nodes, drawn_from


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class Bomb:
    """Goes off at the n-th point, and at every one after it: the dead do nothing."""

    def __init__(self, at):
        self.left = at

    def point(self, *_):
        self.left -= 1
        if self.left < 0:
            raise Killed

    @property
    def exploded(self):
        return self.left < 0


class Scene:
    """One cluster, one plan (as an operation), and drivers that die."""

    def __init__(self, data, hosts, operation):
        self.disk = Disk(data)
        self.nodes = Nodes(*hosts)
        self.operation = operation
        self.before = self.disk.config()
        self.plan = operation.plan(self.before, {})
        self.effects = drawn_from(self.plan)
        self.orphans = []  # (fence, node, call) of commands whose driver is dead
        self.breaks = -1  # after so many calls one fails; negative: none

    def drive(self, action, at):
        """Run ``action`` with a driver that dies at point ``at``; whether it did."""
        bomb = Bomb(at)
        desk = self._desk(bomb)
        try:
            action(desk)
        except Killed:
            assert bomb.exploded
        finally:
            desk.transport.die()
        return bomb.exploded

    def _desk(self, bomb):
        store = FakeStore(self.disk, before=bomb.point, after=bomb.point)
        transport = _Mortal(self, bomb)
        return Desk(store, transport, Ear(), stop=Stop(), clock=lambda: 1000.0)

    def start(self, at):
        return self.drive(lambda desk: driver.run(desk, self.operation, WISH), at)

    def repair(self, verb, at):
        """One try at resuming or undoing what is pending; what cannot be undone is resumed."""
        jobs = self.disk.config().jobs
        if not jobs:
            return False
        (job,) = jobs

        def action(desk):
            try:
                if verb == "undo":
                    recover.undo(desk, job.id, "x")
                else:
                    recover.resume(desk, job.id, "recovery 2")
            except Conflict:
                if verb == "undo":
                    recover.resume(desk, job.id, "recovery 2")
                else:
                    recover.undo(desk, job.id, "x")
            except NotFound:
                return

        return self.drive(action, at)

    def broken_repair(self, verb, number):
        """A repair whose n-th call on a node fails; whether there was one."""
        self.breaks = number
        with suppress(GntError):  # it says what is left to do: the same once more
            self.repair(verb, 10**6)
        broke = self.breaks < 0
        self.breaks = -1
        return broke

    def check(self):
        """Everything happened, or nothing did; nobody holds anything."""
        self.late()
        cfg = self.disk.config()
        assert cfg.jobs == []
        assert self.nodes.owners == {}
        whole = bool(self.disk.transactions) and self.disk.transactions[-1]["result"] == "success"
        steps = self.plan.steps
        does, undoes = {s.do.key for s in steps}, {s.undo.key for s in steps if s.undo}
        for step in steps:
            there = f"{step.do.node}:{step.do}" in self.nodes.things
            if whole:  # what a later step takes away again need not be there
                assert there or (step.undo and step.undo.key in does), str(step)
            else:  # what is also some step's undo may have been done as that
                assert not (there and step.undo and step.do.key not in undoes), str(step)
        if whole:
            for edit in self.plan.end:
                kind, _, key = edit.path.partition("/")
                assert _untimed(self.disk.data.get(kind, {}).get(key)) == _untimed(edit.value)
        else:
            assert _objects(self.disk.data) == _objects(self.before.state.data)

    def late(self):
        """Orphans that nobody waited for take effect now."""
        for _, node, call in self.orphans:
            self.effects(self.nodes[node], call)
        self.orphans.clear()


def _untimed(value):
    """An object without the times that the engine stamps on it."""
    stamped = ("ctime", "mtime", "added")
    return value and {name: item for name, item in value.items() if name not in stamped}


class _Mortal(FakeTransport):
    """A transport whose driver dies at a point; commands in flight outlive it."""

    def __init__(self, scene, bomb):
        super().__init__(scene.nodes, scene.effects)
        self.scene, self.bomb, self.fence = scene, bomb, ""

    def perform(self, calls, *, fence, tell=None):
        self.fence = fence
        return super().perform(calls, fence=fence, tell=tell)

    def wait_fence(self, nodes, fence, deadline):
        self.bomb.point()
        for orphan in [o for o in self.scene.orphans if o[0] == fence and o[1] in nodes]:
            self.scene.effects(self.scene.nodes[orphan[1]], orphan[2])
            self.scene.orphans.remove(orphan)
        return super().wait_fence(nodes, fence, deadline)

    def _effect(self, node, call):
        self.bomb.point()
        noted = call.task.startswith("engine.follow.")
        if not noted and self.scene.breaks >= 0:
            self.scene.breaks -= 1
            if self.scene.breaks < 0:
                raise NodeFailed(node.name, "failed", "it broke", task=call.task, status=1)
        try:
            self.bomb.point()
        except Killed:
            if not noted:
                self.scene.orphans.append((self.fence, node.name, call))
            raise
        answer = super()._effect(node, call)
        self.bomb.point()
        return answer


def _objects(data):
    return {kind: things for kind, things in data.items() if things and kind != "jobs"}


class Fixed(Operation, command="toy fixed"):
    """A plan made elsewhere, run as it is."""

    made: object = None

    def plan(self, cfg, seen):
        return self.made
