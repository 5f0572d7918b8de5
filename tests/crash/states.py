"""Every kill of every kill: all states that a plan can be left in, to any depth.

What a driver that comes next does depends on nothing but what it finds.  So each state is looked at
once, however many ways lead to it, and three kills in a row at every point become a few thousand
runs instead of a few hundred thousand.
"""

from __future__ import annotations

import json

VERBS = ("resume", "undo")
FOREVER = 10**6


class State:
    """What the dead have left: the committed state, things on nodes, commands still to happen."""

    def __init__(self, scene):
        disk = scene.disk
        self.data, self.serial = disk.copied(), disk.serial
        self.transactions = list(disk.transactions)
        self.things = {name: set(node.things) for name, node in scene.nodes.nodes.items()}
        self.orphans = list(scene.orphans)

    def put_back(self, scene):
        disk = scene.disk
        disk.data, disk.serial = self.data, self.serial
        disk.data = disk.copied()
        disk.transactions = list(self.transactions)
        for name, node in scene.nodes.nodes.items():
            node.things = set(self.things[name])
        scene.orphans = list(self.orphans)
        scene.nodes.owners.clear()

    @property
    def mark(self):
        """Equal for states that nobody can tell apart."""
        results = [txn["result"] for txn in self.transactions[-1:]]
        things = {name: sorted(made) for name, made in self.things.items()}
        late = [(fence, node, str(call.key)) for fence, node, call in self.orphans]
        return json.dumps([self.data, results, things, late], sort_keys=True, default=str)


def left_by_start(scene):
    """The states in which a driver dies, at each point of its run."""
    fresh, found = State(scene), {}
    at, killed = 0, True
    while killed:
        fresh.put_back(scene)
        killed = scene.start(at)
        state = State(scene)
        found[state.mark] = state
        at += 1
    return found


def left_by_repairs(scene, states, known):
    """New states in which the repair of one of ``states`` dies, at each point, by either verb."""
    found = {}
    for state in states.values():
        for verb in VERBS:
            at, killed = 0, True
            while killed:
                state.put_back(scene)
                killed = scene.repair(verb, at)
                left = State(scene)
                if left.mark not in known and left.mark not in found:
                    found[left.mark] = left
                at += 1
    return found


def check_all(scene, depth):
    """Kill up to ``depth`` drivers in a row, each anywhere; one command must do then."""
    states = left_by_start(scene)
    known = dict(states)
    for _ in range(depth - 1):
        states = left_by_repairs(scene, states, known)
        known.update(states)
    for state in known.values():
        for verb in VERBS:
            state.put_back(scene)
            assert not scene.repair(verb, FOREVER)
            scene.check()
    return len(known)


def check_breaking(scene):
    """A driver dies anywhere, then any call of the repair fails; one more command must do."""
    tried = 0
    for state in left_by_start(scene).values():
        for verb in VERBS:
            number, broke = 0, True
            while broke:
                state.put_back(scene)
                broke = scene.broken_repair(verb, number)
                assert not scene.repair("undo", FOREVER)
                scene.check()
                number += 1
                tried += 1
    return tried
