"""A simulated cluster: machines, network, and drivers that run the product's own code."""

from __future__ import annotations

import collections
import random

from gnt.config.memory_state import FollowingState
from gnt.config.record import Author
from gnt.config.replica import Replica
from gnt.config.store import SignedStore
from gnt.config.trust import Pin
from gnt.engine.desk import Desk
from gnt.session.riding import Riding
from tests.config.chains import KEY, first_data
from tests.engine.toys import Ear
from tests.simulation.filesystem import FileSystem, SimulatedCache
from tests.simulation.network import Network, SimulatedPeers
from tests.simulation.nodes import Node
from tests.simulation.operations import ADDRESSES, FOUND, NET, effects
from tests.simulation.scheduler import Scheduler
from tests.simulation.transport import SimulatedTransport


class Parts:
    """What a world is made of; a test that breaks the product replaces a part by a subclass."""

    store = SignedStore
    replica = Replica
    peers = SimulatedPeers
    transport = SimulatedTransport
    machine = Node
    node: dict = {}  # noqa: RUF012 - never changed; keyword arguments of Node
    effects = staticmethod(effects)


class ShortReplica(Replica):
    """Compacts after few records, so that a short run sees it."""

    LIMIT = 8

    @property
    def long(self):
        return self.position.serial - self.position.base >= self.LIMIT


class Driver:
    """One process; its machine's copy of the configuration outlives it."""

    def __init__(self, world, name, machine):
        self.world, self.name, self.machine = world, name, machine
        self.dead = False
        parts = world.parts
        files = world.copies.setdefault(machine, FileSystem(world.random, world.happened))
        files.locks = {}
        files.noticed = world.believed
        disk = SimulatedCache(f"/{machine}/copy", files, world.scheduler, eager=0.02)
        replica = world.replica(disk, FollowingState(), Pin(signers=(KEY.public,)))
        self.peers = parts.peers(world, self)
        self.store = parts.store(
            self.peers, replica, Author(name, lambda: KEY, self.clock),
            hints=world.names, ticks=lambda: world.scheduler.now)
        self.transport = parts.transport(world, self)
        self.desk = Desk(Riding(self.store, self.peers), self.transport, Ear(),
                         clock=self.clock, find=FOUND)

    def clock(self):
        return 1.7e9 + self.world.scheduler.now + self.world.skews.get(self.machine, 0.0)

    def die(self):
        self.dead = True
        self.world.scheduler.kill(lambda task: task.machine is self)

    def close(self):
        self.dead = True
        self.peers.close()


class World:
    """``names`` of the candidates; ``notes``: the trace, [(time, text)]."""

    def __init__(self, seed, count, *, parts=Parts, short=True, eager=0.15, failing=0.0,
                 limit=100_000):
        self.random = random.Random(seed)
        self.scheduler = Scheduler(self.random)
        self.eager, self.failing = eager, failing
        self.parts = parts
        self.together = False  # whether clients commit several changes at once
        self.names = tuple(f"n{number + 1}" for number in range(count))
        self.notes = []
        self.happened = collections.Counter()  # accidents that somebody met
        self.heads = []  # (where, the file's content): every head that was ever believed somewhere
        self.senders = {}  # candidate -> the driver whose message it performed last
        self.skews, self.copies, self.archive = {}, {}, []
        self.network = Network(self)
        self.nodes = {name: parts.machine(name, self, **parts.node) for name in self.names}
        for node in self.nodes.values():
            node.files.believed = self.believed
        self.effects = parts.effects
        self.messages, self.limit = 0, limit
        self._short = short
        self._drivers = 0

    def replica(self, disk, state, pin):
        base = self.parts.replica
        kind = base if not self._short else type("Short", (ShortReplica, base), {})
        return kind(disk, state, pin)

    def believed(self, path, content):
        """A head was put in place; what a failover only tries is not believed yet."""
        if "/failover/" not in path:
            self.heads.append((path, content))

    def step(self, driver, name, message):
        """A driver is about to send something; scripted tests cut in here."""
        self.messages += 1
        if self.messages > self.limit:
            raise AssertionError(f"after {self.limit} messages it still goes on")

    def note(self, text):
        self.notes.append((self.scheduler.now, text))

    def driver(self, machine):
        self._drivers += 1
        return Driver(self, f"d{self._drivers}@{machine}", machine)

    def run(self, *tasks, seconds=1e5):
        """Perform [(driver or machine, function, after)] until all is done."""
        for owner, function, after in tasks:
            self.scheduler.spawn(getattr(owner, "name", owner), owner, function, after)
        self.scheduler.run(seconds)

    def create(self):
        data = first_data(nodes=self.names)
        data["networks"] = {NET: {"uuid": NET, "name": NET, "network": "10.1.0.0/28",
                                  "reservations": "." * ADDRESSES}}
        driver = self.driver("init")

        def begin():
            driver.store.create(data, self.names[0])
            driver.store.redistribute()
            driver.close()
        self.run((driver, begin, 0.0))

    def close(self):
        self.scheduler.close()
