"""Random drivers, cuts, lost answers, crashes and failovers by seed: the store's promises hold.

Nothing that was acknowledged is lost, no serial has two contents, and the cluster goes on.
"""

import random

import pytest
from clusters import Cluster, change

from gnt.config.failover import take_over
from gnt.config.ledger import Ledger
from gnt.errors import GntError

pytestmark = pytest.mark.later

STEPS = 25


class Storm:
    """One cluster in bad weather."""

    def __init__(self, path, seed):
        self.random = random.Random(seed)
        names = tuple(f"n{n + 1}" for n in range(self.random.choice([3, 3, 4, 5])))
        self.cluster = Cluster(path, names=names)
        self.cluster.create()
        self.drivers = []
        self.acknowledged = set()
        self.number = 0

    def weather(self, peers, strength):
        """Each message of this driver may be lost, or its answer; links may fail for a while."""

        def before(name, message):
            peers.cut.discard(name)
            peers.deaf.discard(name)
            draw = self.random.random()
            if draw < strength:
                peers.cut.add(name)
            elif draw < 2 * strength:
                peers.deaf.add(name)

        peers.before = before

    def new_driver(self, strength):
        peers = self.cluster.peers()
        self.weather(peers, strength)
        driver = self.cluster.driver(peers=peers)
        self.drivers.append(driver)
        return driver

    def step(self):
        kind = self.random.choice(["commit"] * 6 + ["crash", "failover", "redistribute", "read"])
        driver = self.random.choice(self.drivers) if self.drivers else self.new_driver(0.1)
        try:
            getattr(self, kind)(driver)
        except GntError:
            driver.peers.die()
            driver.turn = None

    def commit(self, driver):
        self.number += 1
        key = f"i{self.number}"
        driver.commit(lambda _: change(f"instances/{key}"), attempts=3)
        self.acknowledged.add(key)

    def read(self, driver):
        driver.read()

    def redistribute(self, driver):
        driver.redistribute()

    def failover(self, driver):
        take_over(driver, self.random.choice(self.cluster.names))

    def crash(self, driver):
        """The driver is gone; so is what it held."""
        driver.peers.die()
        self.drivers.remove(driver)
        self.new_driver(self.random.choice([0.0, 0.05, 0.2]))

    def check(self):
        for driver in self.drivers:
            driver.peers.die()
        last = self.cluster.driver()
        take_over(last, self.random.choice(self.cluster.names))
        there = {i.uuid for i in last.read().instances}
        assert self.acknowledged <= there, self.acknowledged - there
        assert set(last.redistribute().values()) == {""}
        assert len(self.cluster.heads()) == 1
        found = Ledger(lambda: last).verify("", ())
        assert found["serial"] == last.read().serial
        for driver in self.drivers:  # whoever lived through it has seen no other history
            driver.peers.before = lambda name, message: None
            driver.peers.cut.clear()
            driver.peers.deaf.clear()
            assert driver.read().head == last.read().head


@pytest.mark.parametrize("seed", range(60))
def test_nothing_acknowledged_is_lost(tmp_path, seed):
    storm = Storm(tmp_path, seed)
    for _ in range(STEPS):
        storm.step()
    storm.check()
