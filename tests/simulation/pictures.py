"""A picture of the master's disk, taken at one call of that disk during a commit, replaces it after
the commit was acknowledged and before any other candidate was told; then others go on."""

from __future__ import annotations

from gnt.config import message as m
from tests.simulation.cuts import checked, commit, mend
from tests.simulation.power import go_on
from tests.simulation.world import Parts, World

MASTER = "n1"


class PictureWorld(World):
    """``left``: calls of the master's disk until the picture is taken."""

    left = -1
    picture = None

    def arm(self, number, *, synced):
        files = self.nodes[MASTER].files
        self.left, self.synced = number, synced
        files.called = self._called

    def _called(self):
        if self.left == 0:
            files = self.nodes[MASTER].files
            self.picture = files.durable() if self.synced else files.backup()
        self.left -= 1

    def step(self, driver, name, message):
        super().step(driver, name, message)
        if driver.machine == "mine" and type(message) is m.Learn and self.left >= -1000:
            self.network.cut("mine", name, "to")


def run(number, *, synced, parts=Parts):
    """What is wrong after it; None when the commit was over before."""
    world = PictureWorld(number, 3, parts=parts, short=False)
    world.create()
    events = [commit(world, "before", "zeroth", 0.0)]
    world.arm(number, synced=synced)
    events.append(commit(world, "mine", "first", 0.0))
    picture, master = world.picture, world.nodes[MASTER]
    if picture is None:
        world.close()
        return None
    master.files.called = lambda: None
    master.crash()
    master.restore(picture)
    master.start()
    problems = [f"first was not acknowledged: {events[-1].error}"] if events[-1].error else []
    other = world.driver("other")
    world.run((other, lambda: go_on(other, events), 0.0), seconds=2000.0)
    if events[-1].error:
        problems.append(f"nobody can go on: {events[-1].error}")
    else:
        medic = world.driver("medic")
        world.run((medic, lambda: mend(medic), 100.0), seconds=2000.0)
        problems += checked(world, events)
    world.close()
    return problems
