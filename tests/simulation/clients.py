"""What clients do, and what they were told: the input of the checker."""

from __future__ import annotations

import random

from gnt.config.failover import take_over
from gnt.engine import driver as engine
from gnt.engine import recover
from gnt.engine.job import Wish
from gnt.engine.ports import Change
from gnt.errors import GntError
from tests.simulation.operations import Build, Remove, Tidy


def noted(token):
    return lambda cfg: Change(edits=(), operation="note", note=token)


class Event:
    """One call of a client.  ``acknowledged``: it returned; otherwise nobody knows."""

    def __init__(self, client, kind, token, start):
        self.client, self.kind, self.token, self.start = client, kind, token, start
        self.end = float("inf")
        self.acknowledged = False
        self.over = False
        self.serial, self.hash = 0, ""
        self.heard = 0  # the term that the master knew when it was asked; 0: it was not reached
        self.error = None


class Client:
    """A person at one machine, whose commands are processes that may be killed."""

    def __init__(self, world, number, machine, actions, watch):
        self.world, self.number, self.machine = world, number, machine
        self.actions, self.watch = list(actions), watch
        self.events = []
        self.driver = None
        self.stopped = False

    def begin(self, after=0.0):
        """A new process for what is left to do."""
        if self.stopped or not self.actions or (self.driver and not self.driver.dead):
            return
        self.driver = self.world.driver(self.machine)
        self.world.scheduler.spawn(self.driver.name, self.driver, self._live, after)

    def kill(self):
        if self.driver is not None and not self.driver.dead:
            self.world.note(f"{self.driver.name} is killed")
            self.driver.die()

    def _live(self):
        driver = self.driver
        while self.actions and not self.stopped:
            self.world.scheduler.pause(self.world.random.expovariate(1.5))
            kind, *words = self.actions.pop(0)
            event = Event(driver.name, kind, words[0] if words else "", self.world.scheduler.now)
            self.events.append(event)
            try:
                getattr(self, f"_{kind}")(driver, event, *words)
            except OSError as error:  # of its own copy: this command ends, others are typed
                event.error, event.over = error, True
                self.world.note(f"{driver.name} {kind} {event.token}: {error}")
                self.world.happened["a copy failed"] += 1
                driver.die()
                self.world.scheduler.spawn("later", "", self.begin, after=1.0)
                return
            except GntError as error:
                event.error, event.over = error, True
                driver.store.release()
                self.world.note(f"{driver.name} {kind} {event.token}: {error}")
            else:
                event.acknowledged = event.over = True
                event.end = self.world.scheduler.now
                self.world.note(f"{driver.name} {kind} {event.token} done")
                self.watch(event)
        driver.close()

    def _commit(self, driver, event, token):
        """One change; in a scenario of groups up to three, each an event of its own."""
        events = [event]
        if self.world.together:
            number = random.Random(f"{token} {event.start}").randrange(3)
            events += [Event(driver.name, "commit", f"{token}+{n}", event.start)
                       for n in range(number)]
        self.events += events[1:]
        outcomes = driver.store.commit_all([noted(one.token) for one in events], attempts=4)
        for one, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, Exception):
                one.error = outcome
            else:
                one.serial = outcome.serial
        for one in events[1:]:
            one.over, one.acknowledged = True, one.error is None
            one.end = self.world.scheduler.now if one.acknowledged else one.end
            if one.acknowledged:
                self.watch(one)
        if event.error is not None:
            raise event.error

    def _read(self, driver, event):
        terms = {name: node.read_term() for name, node in self.world.nodes.items()}
        config = driver.store.read()
        event.serial, event.hash = config.serial, config.head
        event.heard = 0 if driver.store.unreached else terms[config.master.name]

    def _job(self, driver, event, kind, name, nodes):
        operation = {"build": lambda: Build(name=name, nodes=nodes),
                     "tidy": lambda: Tidy(name=name, nodes=nodes),
                     "remove": lambda: Remove(name=name)}[kind]()
        event.token = ""
        event.token = engine.run(driver.desk, operation, Wish(author="a", driver=driver.name))

    def _failover(self, driver, event, node):
        take_over(driver.store, node)

    def _redistribute(self, driver, event):
        driver.store.redistribute()

    def _recover(self, driver, event, verb):
        repair(driver, verb)


def repair(driver, verb):
    """Resume, or undo, every job whose driver is gone."""
    config = driver.desk.read()
    jobs = [job.id for job in config.jobs]
    alive = driver.transport.owned(config.master.name, jobs) if jobs else {}
    for job in config.jobs:
        if alive.get(job.id):
            continue
        try:
            if (verb == "undo" and job.state != "settling") or job.state == "undoing":
                recover.undo(driver.desk, job.id, driver.name)
            else:
                recover.resume(driver.desk, job.id, driver.name)
        except GntError as error:
            driver.world.note(f"{driver.name} {verb} of {job.id}: {error}")
