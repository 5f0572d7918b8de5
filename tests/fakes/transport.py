"""In-memory nodes behind the Transport Protocol.

What a call does to a node is told by ``effects``: {task name: function(node, **args) -> answer}.
Locks and fences are kept in the :class:`Nodes` that all drivers share and die with their driver
(:meth:`FakeTransport.die`), as file locks of a process do.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from gnt.errors import Busy, NodeFailed


class Node:
    """One host: a set of things that exist on it."""

    def __init__(self, name):
        self.name = name
        self.things = set()
        self.asked = []  # every call performed, in order


class Nodes:
    """The hosts, and the locks on the master."""

    def __init__(self, *names):
        self.nodes = {name: Node(name) for name in names}
        self.owners = {}  # job -> transport
        self.cancelled = set()
        self.logs = {}
        self.changed = threading.Condition()

    def __getitem__(self, name):
        return self.nodes[name]

    @property
    def things(self):
        return sorted(f"{n.name}:{thing}" for n in self.nodes.values() for thing in n.things)


class FakeTransport:
    """One driver's connections.  ``before`` and ``after`` see every call around its effect and may
    raise NodeFailed (the answer is lost, or the command failed) or anything else (a crash)."""

    def __init__(self, nodes, effects, *, before=None, after=None, trips=None):
        self.nodes, self.effects = nodes, effects
        self.before = before or (lambda call: None)
        self.after = after or (lambda call: None)
        self.trips = trips if trips is not None else []
        self.known = set()
        self.fenced, self.cleared = [], []

    def know(self, nodes, term, *, ports=None):
        self.known |= {node.name for node in nodes}

    def warm(self, nodes, *, owner=""):
        """Its connections take no time."""

    def ask(self, calls, *, deadline=None):
        self.trips.append("ask")
        return {call.key: self._answer(call) for call in calls}

    def perform(self, calls, *, fence, tell=None):
        self.trips.append("perform")
        answers, failed = {}, set()
        for call in calls:
            if call.node in failed:
                continue
            answers[call.key] = self._answer(call)
            if isinstance(answers[call.key], NodeFailed):
                failed.add(call.node)
        return answers

    def wait_fence(self, nodes, fence, deadline):
        self.trips.append("fence")
        self.fenced.append((fence, tuple(nodes)))
        return dict.fromkeys(nodes)

    def obey(self, at, signers):
        """Nodes are not hardened here."""

    def foresee(self, job, calls):
        """Nothing here is hardened."""

    def clear_fence(self, nodes, fence):
        self.cleared.append((fence, tuple(nodes)))

    @contextmanager
    def own(self, master, job):
        with self.nodes.changed:
            if self.nodes.owners.get(job) not in (None, self):
                raise Busy(f"job {job} has a driver")
            self.nodes.owners[job] = self
        self.trips.append("own")
        try:
            yield
        finally:
            self._release(job)

    def owned(self, master, jobs):
        self.trips.append("owned")
        return {job: job in self.nodes.owners for job in jobs}

    def wait_owner(self, master, job, deadline):
        with self.nodes.changed:
            return self.nodes.changed.wait_for(lambda: job not in self.nodes.owners, deadline)

    @property
    def round_trips(self):
        return len(self.trips)

    def close(self):
        self.die()

    def die(self):
        """The driver's process is gone: the kernel drops its locks."""
        for job in [job for job, owner in self.nodes.owners.items() if owner is self]:
            self._release(job)

    def _release(self, job):
        with self.nodes.changed:
            if self.nodes.owners.get(job) is self:
                del self.nodes.owners[job]
                self.nodes.changed.notify_all()

    def _answer(self, call):
        node = self.nodes.nodes.get(call.node)
        if call.node not in self.known or node is None:
            return NodeFailed(call.node, "unreachable", "nobody said where it is", task=call.task)
        try:
            self.before(call)
            answer = self._effect(node, call)
            self.after(call)
        except NodeFailed as error:
            return error
        return answer

    def _effect(self, node, call):
        if call.task == "engine.follow.note":
            self.nodes.logs.setdefault(call.args["job"], []).append(call.args["line"])
            return call.args["job"] in self.nodes.cancelled
        if call.task == "engine.follow.request_cancel":
            self.nodes.cancelled.add(call.args["job"])
            return None
        node.asked.append(call)
        return self.effects(node, call)


def drawn_from(*plans):
    """The effects that plans speak of: doing a step makes a thing, its undo takes it away.

    Knows every call of the plans, so it works for any operation; unknown calls are refused.
    """
    does, undoes = {}, {}
    for plan in plans:
        for step in plan.steps:
            does[step.do.key] = str(step.do)
            if step.undo is not None:
                undoes.setdefault(step.undo.key, set()).add(str(step.do))

    def effect(node, call):
        if call.key in undoes:
            node.things -= undoes[call.key]
        if call.key in does:
            node.things.add(does[call.key])
        elif call.key not in undoes:
            raise AssertionError(f"no plan speaks of {call}")

    return effect
