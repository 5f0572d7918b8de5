"""What the simulation has found, each as the shortest story that tells it, and its seed."""

from __future__ import annotations

import pytest

from gnt.config import message as m
from gnt.config.failover import take_over
from gnt.engine import driver as engine
from gnt.engine import recover
from gnt.engine.job import Wish
from gnt.engine.ports import Change
from gnt.errors import GntError, NodeFailed
from tests.simulation import scenario
from tests.simulation.clients import repair
from tests.simulation.network import SimulatedPeers
from tests.simulation.operations import Build, Remove, effects
from tests.simulation.world import Parts, World

pytestmark = pytest.mark.later


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


SEEDS = (16, 28, 30, 76, 108, 245, 351, 363, 430, 782, 100211, 100297, 100767, 100898, 101103,
         101597, 102370, 205230, 401195, 500199, 500670, 602615, 602631, 701540)


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_that_broke_a_promise_once(seed):
    assert scenario.run(seed).problems == []


def test_a_reader_passes_over_the_gap_of_a_candidate_that_was_away():
    """Whose old journal lacks records; that was asked for again and again."""
    world = begun()
    reader, other = world.driver("reader"), world.driver("other")
    read = []

    def story():
        read.append(reader.store.read().serial)
        world.network.cut("other", "n2", "to")
        for number in range(10):
            other.store.commit(note(f"a{number}"))
        world.network.heal()
        for number in range(12):
            other.store.commit(note(f"b{number}"))
        take_over(other.store, "n2")
        read.append(reader.store.read().serial)
        read.append(world.driver("fresh").store.read().serial)
        reader.close()
        other.close()
    world.run((reader, story, 0.0), seconds=900.0)
    world.close()
    assert read == [1, 24, 24]


def test_a_driver_finds_the_master_that_a_fenced_one_does_not_know():
    """It was refused by the old master for ever, and read the old state from it."""
    world = begun()
    mine, other = world.driver("mine"), world.driver("other")
    serials = []

    def story():
        mine.store.read()
        world.network.cut("other", "n1", "to")  # n1 hears of nothing
        take_over(other.store, "n2")
        serials.append(mine.store.commit(note("mine")).serial)
        fresh = world.driver("fresh")
        fresh.store.peers.ask({"n1": m.Fence(term=2)})
        serials.append(fresh.store.read().serial)
        fresh.close()
        mine.close()
        other.close()
    world.run((mine, story, 0.0), seconds=900.0)
    world.close()
    assert serials == [3, 3]


def test_a_candidate_with_another_record_at_its_end_does_not_stop_a_failover():
    """Its journal was read from where ours ends: in the middle of that record."""
    world = begun()
    lost, mine = world.driver("lost"), world.driver("mine")
    done = []

    def story():
        world.network.cut("lost", "n2", "to")
        lost.store.hold_turn()
        world.network.cut("lost", "n1", "to")
        with pytest.raises(GntError):
            lost.store.commit(note("a long one, which only n3 gets to hear of" * 9))
        world.network.heal()
        world.network.cut("mine", "n3", "to")
        for number in range(3):
            mine.store.commit(note(f"{number}"))
        world.network.heal()
        done.append(take_over(mine.store, "n2").serial)
        mine.close()
        lost.close()
    world.run((mine, story, 0.0), seconds=900.0)
    world.close()
    assert done == [5]


class Overtaken(SimulatedPeers):
    """While the first record of ``mine`` is appended, others fail over and go on with its job."""

    overtaken = False

    def ask(self, messages, deadline=15.0, enough=None):
        answers = super().ask(messages, deadline, enough)
        append = any(type(message) is m.Append for message in messages.values())
        if append and not self.overtaken and self.driver.machine == "mine":
            self.overtaken = True
            other = self.world.driver("other")
            take_over(other.store, "n2")
            repair(other, "resume")
            other.close()
        return answers


class OvertakenParts(Parts):
    """What is made a second time breaks, so whoever makes it takes it back."""

    peers = Overtaken

    @staticmethod
    def effects(node, call):
        if call.task.endswith(".make") and call.args["thing"] in node.things:
            return NodeFailed(node.name, "failed", "it broke", task=call.task, status=1)
        return effects(node, call)


def test_a_job_that_others_ended_while_it_began_is_left_alone():
    """Its driver, slow to begin it, did every step again, in the new term, and took them back."""
    world = begun(parts=OvertakenParts)
    mine = world.driver("mine")

    def story():
        with pytest.raises(GntError, match="is not pending: it ended"):
            engine.run(mine.desk, Build(name="a", nodes="n1,n3"), Wish(driver=mine.name))
        mine.close()
    world.run((mine, story, 0.0))
    world.close()
    assert {(n, thing) for n, node in world.nodes.items() for thing in node.things} == {
        ("n1", "a-0"), ("n3", "a-1")}


class WatchedParts(Parts):
    """Notes, whenever something is unmade, whether the new master sees a driver of that job."""

    seen: list = []  # noqa: RUF012 - emptied by the test

    @staticmethod
    def effects(node, call):
        if call.task.endswith(".unmake"):
            WatchedParts.seen.append(bool(node.world.nodes["n2"].owners))
        return effects(node, call)


def test_a_job_that_waited_through_a_failover_lives_on_the_new_master():
    """Its lock stayed on the old one, so others took it over while its driver worked."""
    world = begun(parts=WatchedParts)
    WatchedParts.seen.clear()
    first, waits, other = world.driver("first"), world.driver("waits"), world.driver("other")

    def build():
        with pytest.raises(GntError, match=r"term 2 has begun|was taken over|is not pending"):
            engine.run(first.desk, Build(name="a", nodes="n1,n3"), Wish(driver=first.name))
        first.close()

    def remove():
        engine.run(waits.desk, Remove(name="a"), Wish(driver=waits.name))
        waits.close()

    def fail_over():
        world.scheduler.wait(lambda: waits.transport.tokens, 60.0)
        take_over(other.store, "n2")
        (job,) = [job.id for job in other.desk.read().jobs if job.state == "running"]
        recover.resume(other.desk, job, other.name)
        other.close()
    world.run((first, build, 0.0), (waits, remove, 0.1), (other, fail_over, 0.0), seconds=900.0)
    world.close()
    assert WatchedParts.seen == [True, True]
    assert not any(node.things for node in world.nodes.values())


class Lost(SimulatedPeers):
    """The first commit of ``mine`` does not arrive; before it tries again, others fail over."""

    takes = commits = 0

    def ask(self, messages, deadline=15.0, enough=None):
        kinds = {type(message) for message in messages.values()}
        if self.driver.machine == "mine" and m.Commit in kinds:
            self.commits += 1
            if self.commits == 1:
                return {name: NodeFailed(name, "lost", "the connection broke") for name in messages}
        if self.driver.machine == "mine" and m.Take in kinds:
            self.takes += 1
            if self.takes == 3:  # the first for the commit, the second to look what became of it
                other = self.world.driver("other")
                take_over(other.store, "n2")
                other.close()
        return super().ask(messages, deadline, enough)


class LostParts(Parts):
    peers = Lost


def test_a_change_that_was_given_up_and_then_rescued_is_not_made_again():
    """A failover takes records along that no majority is known for; the retry made it twice."""
    world = begun(parts=LostParts)
    mine = world.driver("mine")

    def story():
        assert mine.store.commit(note("once")).serial == 3
        mine.close()
    world.run((mine, story, 0.0), seconds=900.0)
    world.close()
    assert mine.peers.takes > 3
    notes = [data for node in world.nodes.values() for data in node.files.backup().values()
             if b'note = "once"' in data]
    assert [data.count(b'note = "once"') for data in notes] == [1, 1, 1]


def test_who_reads_from_a_master_that_may_be_none_is_told():
    """A failover that reached nobody else had fenced it; the read passed for a fresh one."""
    world = begun()
    mine, other = world.driver("n1"), world.driver("other")
    told = []

    def story():
        mine.store.read()
        told.append(mine.store.unreached)
        for name in ("n2", "n3"):
            world.network.cut("n1", name, "to")
        with pytest.raises(GntError, match="a failover needs a majority"):
            take_over(mine.store, "n1")
        world.network.cut("other", "n1", "to")
        take_over(other.store, "n2")
        mine.store.read()
        told.append(mine.store.unreached)
        mine.close()
        other.close()
    world.run((mine, story, 0.0), seconds=900.0)
    world.close()
    assert told[0] == ""
    assert "n1 knows that term 2 has begun, and nobody said who is master in it" in told[1]
