"""One commit, or one failover, cut at one message from some of five candidates; then others go on
without it."""

from __future__ import annotations

from base64 import b64decode

from gnt.config.failover import take_over
from gnt.engine.ports import Change
from gnt.errors import GntError
from tests.config.chains import KEY
from tests.simulation import checker
from tests.simulation.clients import Event
from tests.simulation.world import Parts, World

MESSAGES = range(4, 16)  # the last fetch, turn, four appends, the commit, four times the new head
FAILOVER = range(5, 42)  # what is sent after it is known who there is
WAYS = (("to",), ("from",), ("to", "from"))
PUBLIC = b64decode(KEY.public.split()[1])[-32:]


class CutWorld(World):
    """Cuts before the n-th message of the driver on the machine ``mine``."""

    left, cutting, ways = -1, (), ()
    sent = 0  # messages of that driver

    def cut_at(self, number, nodes, ways):
        self.left, self.cutting, self.ways = number, nodes, ways

    def step(self, driver, name, message):
        super().step(driver, name, message)
        if driver.machine == "mine":
            self.sent += 1
            if self.left == 0:
                for node in self.cutting:
                    for way in self.ways:
                        self.network.cut("mine", node, way)
            self.left -= 1


def run(number, nodes, ways, parts=Parts, failover=False):
    """What is wrong after it; whether it was acknowledged; and how many messages it took.

    ``failover``: what is cut is a failover to n2, when n1 has committed something.
    """
    world = CutWorld(number, 5, parts=parts, short=False)
    world.create()
    events = []
    if failover:
        events.append(commit(world, "theirs", "zeroth", 0.0))
    world.cut_at(number, nodes, ways)
    events.append(commit(world, "mine", "first", 0.0, failover))
    mine = events[-1]
    rest = [name for name in world.names if name not in nodes]
    side = rest if len(rest) > 2 else list(nodes)
    for name in world.names:
        if name not in side:
            for way in ("to", "from"):
                world.network.cut("other", name, way)
    other = world.driver("other")
    world.run((other, lambda: _go_on(other, side, events, failover), 0.0), seconds=2000.0)
    world.network.heal()
    medic = world.driver("medic")
    world.run((medic, lambda: mend(medic), 100.0), seconds=2000.0)
    problems = list(checked(world, events))
    world.close()
    return problems, mine.acknowledged, world.sent


def commit(world, machine, token, after, failover=False):
    driver = world.driver(machine)
    event = Event(driver.name, "commit", token, world.scheduler.now)

    def story():
        try:
            if failover:
                event.kind, event.serial = "failover", take_over(driver.store, "n2").serial
            else:
                event.serial = driver.store.commit(note(token)).serial
        except GntError as error:
            event.error = error
        else:
            event.acknowledged, event.end = True, world.scheduler.now
        driver.die()  # whatever it did not say by now it never says
    world.run((driver, story, after), seconds=2000.0)
    return event


def note(token):
    return lambda cfg: Change(edits=(), operation="note", note=token)


def _go_on(driver, side, events, failover):
    """A driver that reaches only this side, which is a majority, commits there."""
    event = Event(driver.name, "commit", "second", driver.world.scheduler.now)
    events.append(event)
    if failover or "n1" not in side:
        take_over(driver.store, side[0])
    event.serial = driver.store.commit(note("second")).serial
    event.acknowledged, event.end = True, driver.world.scheduler.now
    driver.close()


def mend(driver):
    driver.store.redistribute()
    driver.store.commit(note("last"))
    driver.store.redistribute()
    driver.world.scheduler.pause(5.0)
    driver.close()


def checked(world, events):
    files = checker.Files([node.files.backup() for node in world.nodes.values()])
    heads = {n: node.file("config/head").decode() for n, node in world.nodes.items()}
    yield from checker.one_history(heads, files, PUBLIC)
    chain, _ = files.chain(heads["n1"].split()[2])
    yield from checker.linearizable(chain, events)
    yield from checker.no_forks(world.heads)
    yield from checker.terms({n: node.events for n, node in world.nodes.items()})
