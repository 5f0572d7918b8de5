"""One commit, in which a candidate loses its power at one call of its disk; then others go on."""

from __future__ import annotations

from gnt.config.failover import take_over
from gnt.errors import GntError
from tests.simulation.clients import Event
from tests.simulation.cuts import checked, commit, mend, note
from tests.simulation.world import Parts, World

MASTER, CANDIDATE = "n1", "n2"


class PowerWorld(World):
    """``left``: calls of the victim's disk until its power fails; negative: it never does."""

    left = -1

    def arm(self, victim, number):
        self.left = number
        self.nodes[victim].files.called = lambda: self._call(victim)

    def _call(self, victim):
        if self.left == 0:
            self.nodes[victim].crash()
        self.left -= 1


def run(victim, number, *, failover, seed=0, parts=Parts):
    """What is wrong after it, and whether the power failed at all.

    ``failover``: the others go on without the victim, and it comes back later; else it comes back
    before anybody goes on.
    """
    world = PowerWorld(seed, 3, parts=parts, short=False)
    world.create()
    events = [commit(world, "mine", "zeroth", 0.0)]
    world.arm(victim, number)
    events.append(commit(world, "mine", "first", 0.0))
    failed = not world.nodes[victim].up
    world.left = -1
    if not failover:
        world.nodes[victim].start()
    other = world.driver("other")
    world.run((other, lambda: go_on(other, events, failover and victim == MASTER), 0.0),
              seconds=2000.0)
    world.nodes[victim].start()
    medic = world.driver("medic")
    if not events[-1].error:
        world.run((medic, lambda: mend(medic), 100.0), seconds=2000.0)
    problems = [f"nobody can go on: {events[-1].error}"] if events[-1].error else []
    problems += checked(world, events)
    world.close()
    return problems, failed


def go_on(driver, events, failover=False):
    """Somebody commits after the accident, as the last of the events; ``failover``: on n3."""
    event = Event(driver.name, "commit", "second", driver.world.scheduler.now)
    events.append(event)
    try:
        if failover:
            take_over(driver.store, "n3")
        event.serial = driver.store.commit(note("second")).serial
    except GntError as error:
        event.error = error
    else:
        event.acknowledged, event.end = True, driver.world.scheduler.now
    driver.close()
