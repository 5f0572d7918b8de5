"""One seed: a cluster, clients, accidents; then calm, repair, and the checker."""

from __future__ import annotations

import traceback

from gnt.config.failover import take_over
from gnt.engine.ports import Change
from gnt.errors import GntError
from tests.config.chains import KEY
from tests.simulation import checker
from tests.simulation.clients import Client, repair
from tests.simulation.plans import TROUBLE, YEARS, Plan
from tests.simulation.world import Parts, World

LIMIT = 6000  # messages of a whole run; more is going round in circles


class Result:
    """``problems``: promises that were broken; ``notes``: the trace; ``happened``: what befell
    whom, {kind of accident: how often}."""

    def __init__(self, seed, faults, problems, notes, happened):
        self.seed, self.faults, self.problems, self.notes = seed, faults, problems, notes
        self.happened = happened


class Scenario:
    """Runs a plan; ``faults`` replaces the plan's accidents (to find which are needed)."""

    def __init__(self, plan, parts=Parts, faults=None):
        self.plan = plan
        self.faults = plan.faults if faults is None else faults
        self.world = World(plan.seed, plan.count, parts=parts, failing=plan.failing, limit=LIMIT)
        self.world.together = plan.together
        self.restored = False
        self.problems = []
        self.clients = []
        self.backups = {}

    def run(self):
        world = self.world
        try:
            world.create()
            for number, machine in enumerate(self.plan.machines):
                client = Client(world, number, machine, self.plan.actions[number], self._durable)
                self.clients.append(client)
                client.begin()
            self.backups = {n: node.files.backup() for n, node in world.nodes.items()}
            world.run(("accidents", self._accidents, 0.0), seconds=4000.0)
            if world.scheduler.stuck:
                self.problems.append(f"did not end: {world.scheduler.stuck}")
            self._calm()
            self.problems += self._check()
        except Exception as error:  # noqa: BLE001 - whatever escapes is a finding of this seed
            self.problems.append("".join(traceback.format_exception(error)))
        finally:
            world.close()
        return Result(self.plan.seed, self.faults, self.problems, world.notes, world.happened)

    # accidents

    def _accidents(self):
        scheduler = self.world.scheduler
        first = self.world.messages
        for at, kind, words in self.faults:
            number = first + at
            scheduler.wait(lambda n=number: self.world.messages >= n, 20.0)
            scheduler.pause(self.world.random.expovariate(200))
            self.world.note(f"-- {kind} {words}")
            self.world.happened[kind] += 1
            getattr(self, f"_{kind}")(*words)

    def _later(self, seconds, function):
        self.world.scheduler.spawn("later", "", function, after=seconds)

    def _kill(self, client, length):
        self.clients[client].kill()
        self._later(length, self.clients[client].begin)

    def _crash(self, name, length):
        node = self.world.nodes[name]
        if not node.up:
            return
        node.crash()
        if name in self.world.copies:
            self.world.copies[name].crash()
        for client in self.clients:
            if client.machine == name:
                client.kill()

        def start():
            node.start()
            for client in self.clients:
                if client.machine == name:
                    client.begin()
        self._later(length, start)

    def _cut(self, machine, nodes, ways, length):
        for name in self.plan.machines if machine == "*" else [machine]:
            for node in nodes:
                for way in ways:
                    self.world.network.cut(name, node, way)
        self._later(length, self.world.network.heal)

    def _rough(self, nodes, probability, length):
        self.world.network.rough.update(dict.fromkeys(nodes, probability))
        self._later(length, self.world.network.rough.clear)

    def _trouble(self, name, which, length):
        """A candidate's disk, or that with a driver's copy ("*": all of these)."""
        world = self.world
        disks = [world.nodes[name].files] if name in world.nodes else [
            files for machine, files in world.copies.items() if name in ("*", machine)]
        for files in disks:
            files.trouble.update(TROUBLE[which])
            self._later(length, files.trouble.clear)

    def _outage(self, client, length):
        """A driver's machine loses its power, and what its copy has not written."""
        self._kill(client, length)
        machine = self.clients[client].machine
        for other in self.clients:
            if other.machine == machine:
                other.kill()
        if machine in self.world.copies:
            self.world.copies[machine].crash()

    def _clock(self, machine, jump):
        self.world.skews[machine] = jump
        self.world.happened["ten years" if abs(jump) == YEARS else "an hour"] += 1
        if machine in self.world.nodes:
            self.world.nodes[machine].skew = jump

    def _behead(self, crash, length):
        """The master is gone, for everybody; the next thing that clients do is to replace it."""
        master = self._master().name
        if crash:
            self._crash(master, length)
        else:
            self._cut("*", [master], ("to", "from"), length)
        rest = [name for name in self.plan.names if name != master]
        for client in self.clients:
            client.actions.insert(0, ("failover", self.world.random.choice(rest)))

    def _orphan(self, verb, length):
        """The driver of a job is killed while it works, and somebody takes the job over."""
        working = [c for c in self.clients if c.events and c.events[-1].kind == "job"
                   and not c.events[-1].over and not c.driver.dead]
        for client in working[:1]:
            client.kill()
            self._later(length, client.begin)
            for other in self.clients:
                if other is not client:
                    other.actions.insert(0, ("recover", verb))

    def _stray(self, name, late, length):
        """One driver's records come to one candidate only; another one goes on without that; then
        the master is gone before others are told what it committed last.

        ``late``: the records of the first arrive after all.
        """
        self._later(0.0, lambda: self._strayed(name, late, length))

    def _strayed(self, name, late, length):
        world, node, master = self.world, self.world.nodes[name], self._master()
        others = [n for n in self.plan.names if n not in (name, master.name)]
        first = self._guest()
        held = {(first.machine, other, "to") for other in others}
        world.network.held |= held
        alone = world.scheduler.wait(lambda: world.senders.get(name) is first.driver and
                                     node.events[-1][0] == "append", 20.0)
        first.kill()
        if not alone or node is master:
            return
        second = self._guest()
        for way in ("to", "from"):
            world.network.cut(second.machine, name, way)
        if world.scheduler.wait(lambda: world.senders.get(master.name) is second.driver and
                                master.events[-1][::2] == ("commit", checker.OK), 20.0):
            world.network.held |= {(second.machine, other, "to") for other in others}
        world.scheduler.pause(0.1)
        second.kill()
        if late:
            world.network.held -= held
            world.scheduler.pause(0.5)
        if any(event.acknowledged for event in second.events):
            world.happened["strayed"] += 1
            self._crash(master.name, length)
            self._guest("failover", world.random.choice([name, *others]))

    def _guest(self, *action):
        """One more client, which makes a change, if nothing else."""
        number = len(self.clients)
        client = Client(self.world, number, f"g{number}", [action or ("commit", f"g{number}")],
                        self._durable)
        self.clients.append(client)
        client.begin()
        return client

    def _master(self):
        return max(self.world.nodes.values(), key=lambda n: _serial(n.file("config/head")))

    def _blackout(self, length):
        for name in self.plan.names:
            self._crash(name, length * self.world.random.random())

    def _restore(self, name, length):
        """A node's disk as it was at the beginning; only as long as enough of the others remember
        the last record."""
        world = self.world
        others = [node for n, node in world.nodes.items() if n != name]
        needed = len(world.nodes) - len(world.nodes) // 2
        newest = max((_serial(node.file("config/head")), node.file("config/head"))
                     for node in world.nodes.values())[1].split()
        term = max(node.read_term() for node in world.nodes.values())
        holding = [node for node in others if any(
            newest[2] in data or _hashed(newest[2].decode(), data)
            for data in node.files.durable().values())]
        fenced = [node for node in others if node.read_term() == term]
        if self.restored or min(len(holding), len(fenced)) < needed:
            return
        self.restored = True
        world.happened["restored"] += 1
        world.archive.append(world.nodes[name].files.backup())
        self._crash(name, length)
        world.nodes[name].restore(self.backups[name])

    # while it runs

    def _durable(self, event):
        """What was acknowledged is on the disks of a majority, whatever happens now."""
        if event.kind != "commit" or self.restored:
            return
        mark = f'note = "{event.token}"\n'.encode()
        have = 0
        for node in self.world.nodes.values():
            files = node.files.durable()
            head = files.get(f"/{node.name}/gnt/config/head", b"")
            have += _serial(head)[1] >= event.serial or any(mark in x for x in files.values())
        if have <= len(self.world.nodes) // 2:
            self.problems.append(f"{event.token} was acknowledged, but {have} disks have it")

    # afterwards

    def _calm(self):
        """Everything is switched on and connected; one more driver repairs what is left."""
        world = self.world
        self._all_well()
        driver = world.driver("medic")
        world.failing = 0.0

        def mend():
            world.scheduler.pause(100.0)
            for turn in range(8):
                try:
                    self._mend(driver)
                except GntError as error:
                    world.note(f"{driver.name} repair: {error}")
                    if turn == 7:
                        self.problems.append(f"it cannot be repaired: {error}")
                else:
                    break
            world.scheduler.pause(10.0)
            driver.close()
        world.run((driver, mend, 0.0), seconds=4000.0)
        if world.scheduler.stuck:
            self.problems.append(f"the repair did not end: {world.scheduler.stuck}")

    def _all_well(self):
        world = self.world
        for client in self.clients:
            client.stopped = True
            if client.driver is not None:
                client.driver.die()
        world.network.heal()
        world.skews.clear()
        for files in (*world.copies.values(), *(node.files for node in world.nodes.values())):
            files.trouble.clear()
        for node in world.nodes.values():
            node.start()

    def _mend(self, driver):
        try:
            left = {n: why for n, why in driver.store.redistribute().items() if why}
        except GntError as error:
            left = {"": error}
        if left:  # a failover that was broken off, for example
            self.world.note(f"{driver.name} redistribute: {left}")
            take_over(driver.store, self.plan.names[0])
        repair(driver, "undo")
        repair(driver, "resume")
        driver.store.commit(lambda cfg: Change(edits=(), operation="note", note="last"))
        left = {n: why for n, why in driver.store.redistribute().items() if why}
        if left:
            raise GntError(f"not up to date: {left}")

    def _check(self):
        world = self.world
        files = checker.Files([*world.archive, *(n.files.backup() for n in world.nodes.values())])
        heads = {n: node.file("config/head").decode() for n, node in world.nodes.items()}
        public = bytes.fromhex(_raw(KEY.public).hex())
        yield from checker.one_history(heads, files, public)
        chain, base = files.chain(heads[self.plan.names[0]].split()[2])
        events = [event for client in self.clients for event in client.events]
        yield from checker.linearizable(chain, events)
        yield from checker.reads(chain, events, self.restored)
        yield from checker.no_forks(world.heads)
        yield from checker.terms({n: node.events for n, node in world.nodes.items()})
        yield from checker.exclusive(chain)
        yield from checker.finished(chain, events)
        things = {(n, thing) for n, node in world.nodes.items() for thing in node.things}
        yield from checker.owned(checker.state(chain, base), things)


def _serial(head):
    words = head.split()
    return (int(words[0]), int(words[1])) if len(words) == 4 else (0, 0)


def _hashed(wanted, data):
    return any(checker.Found(m[1], int(m[2]), m[3]).hash == wanted
               for m in checker.RECORD.finditer(data))


def _raw(public):
    from base64 import b64decode

    return b64decode(public.split()[1])[-32:]


def run(seed, parts=Parts, faults=None, together=None):
    """One seed from beginning to end."""
    return Scenario(Plan(seed, together), parts, faults).run()


def minimal(result, parts=Parts, together=None):
    """The same failure with as few accidents as leaving them out one by one comes to."""
    faults, best = list(result.faults), result
    for fault in list(faults):
        fewer = [f for f in faults if f != fault]
        tried = run(result.seed, parts, fewer, together)
        if tried.problems:
            faults, best = fewer, tried
    return best
