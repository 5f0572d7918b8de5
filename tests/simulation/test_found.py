"""What the simulation has found, each as the shortest story that tells it, and its seed."""

from __future__ import annotations

import pytest

from gnt.config import message as m
from gnt.engine.ports import Change
from gnt.errors import NodeFailed
from tests.simulation import scenario
from tests.simulation.network import SimulatedPeers
from tests.simulation.world import Parts, World


def note(token):
    return lambda cfg: Change(edits=(), operation="note", note=token)


def begun(count=3, parts=Parts):
    world = World(0, count, parts=parts)
    world.create()
    return world


def commits(world, first, last):
    driver = world.driver("other")
    for number in range(first, last):
        driver.store.commit(note(f"x{number}"))
    driver.close()


def test_a_reader_that_missed_two_bases_catches_up():
    """It asked for the journals in between, and refused the second of them without end."""
    world = begun()
    reader = world.driver("reader")
    read = []

    def story():
        read.append(reader.store.read().serial)
        commits(world, 0, 20)
        read.append(reader.store.read().serial)
        reader.close()
    world.run((reader, story, 0.0))
    world.close()
    assert read == [1, 21]


class Forgetful(SimulatedPeers):
    """The answer to the first commit is lost, and comes so late that others go on meanwhile."""

    lost = False

    def ask(self, messages, deadline=15.0, enough=None):
        answers = super().ask(messages, deadline, enough)
        commit = any(type(message) is m.Commit for message in messages.values())
        if commit and not self.lost and self.driver.machine == "mine":
            self.lost = True
            commits(self.world, 0, 20)
            return {name: NodeFailed(name, "timeout", "no answer") for name in answers}
        return answers


class ForgetfulParts(Parts):
    peers = Forgetful


def test_a_commit_whose_answer_is_lost_is_found_behind_two_bases():
    """It was looked for in the newest journal only, not found there, and made a second time."""
    world = begun(parts=ForgetfulParts)
    mine = world.driver("mine")

    def story():
        mine.store.commit(note("once"))
        mine.close()
    world.run((mine, story, 0.0))
    world.close()
    notes = [files for node in world.nodes.values() for files in node.files.backup().values()
             if b'note = "once"' in files]
    assert len(notes) == 3  # one journal on each candidate
    assert all(data.count(b'note = "once"') == 1 for data in notes)


@pytest.mark.parametrize("seed", [28, 30, 37, 51, 108, 112])
def test_seeds_that_broke_a_promise_once(seed):
    assert scenario.run(seed).problems == []
