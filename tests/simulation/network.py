"""Drivers' connections to candidates: messages travel, and some do not.

A session is a connection with a shell at its end: messages are performed in order, on the node,
by a task of their own, so what was sent goes on when its sender dies.  The lock of a turn ends with
the session, or 20 s after it was taken.  What a session was sent cannot be taken back by giving it
up.
"""

from __future__ import annotations

from gnt.config import message as m
from gnt.config import remote
from gnt.engine.ports import Frame, Reply
from gnt.errors import NodeFailed

LATENCY = 0.002
GRACE = 0.1  # seconds for the others when enough have answered
PATIENCE = 90.0  # seconds that the network goes on trying to deliver


class Network:
    """``cuts``: (machine, node, way) over which nothing passes; ``held``: where what is sent waits;
    ``rough``: {node: probability} of mishaps per message."""

    def __init__(self, world):
        self.world = world
        self.cuts = {}  # -> since when
        self.held = set()
        self.rough = {}

    def cut(self, machine, node, way):
        if machine != node:
            self.cuts.setdefault((machine, node, way), self.world.scheduler.now)

    def heal(self):
        for machine, node, _ in list(self.cuts):
            self.expire(machine, node)
        self.cuts = {}
        self.held.clear()
        self.rough = {}

    def expire(self, machine, node):
        """A driver of whom the master hears nothing for 60 s loses its jobs' locks."""
        if self.silent(machine, node) > 60:
            owners = self.world.nodes[node].owners
            for job in [job for job, token in owners.items() if token.driver.machine == machine]:
                del owners[job]

    def silent(self, machine, node):
        """Seconds since one way between them was cut."""
        since = [self.cuts[key] for way in ("to", "from")
                 if (key := (machine, node, way)) in self.cuts]
        return self.world.scheduler.now - min(since) if since else 0.0

    def reachable(self, machine, node):
        return self.world.nodes[node].up and not any(
            (machine, node, way) in self.cuts for way in ("to", "from"))

    def through(self, machine, node, way, wanted):
        """Travel one way; False when it never arrives.  ``wanted()``: the sender still cares."""
        scheduler, key = self.world.scheduler, (machine, node, way)
        slow = self.world.random.random() < self.rough.get(node, 0.0) * 0.5
        self.world.happened["delayed"] += slow
        scheduler.pause(self.world.random.expovariate(1 / (8.0 if slow else LATENCY)))
        if key not in self.cuts and key not in self.held:
            return True
        other = (machine, node, "from" if way == "to" else "to")
        if key in self.cuts:
            self.world.happened[f"cut {way}" if other not in self.cuts else "cut both ways"] += 1
        if not scheduler.wait(lambda: key not in self.cuts and key not in self.held, PATIENCE):
            return False
        return wanted() or self.world.random.random() < 0.5

    def mishap(self, node):
        """What befalls a message besides: nothing, mostly."""
        rough = self.rough.get(node, 0.0)
        if not rough or self.world.random.random() >= rough:
            return ""
        found = self.world.random.choice(["unsent", "unheard", "twice", "cut off"])
        self.world.happened[found] += 1
        return found


class Request:
    """A message on its way, and what came back."""

    def __init__(self, message):
        self.message = message
        self.answer = None


class Session:
    """One driver's kept shell on one candidate."""

    def __init__(self, world, driver, node):
        self.world, self.driver, self.node = world, driver, node
        self.queue = []
        self.given_up = False
        self.over = False
        self.lease = None
        self.candidate = node.candidate()
        world.scheduler.spawn(f"{driver.name}>{node.name}", node.name, self._serve)

    def submit(self, message):
        request = Request(message)
        self.queue.append(request)
        return request

    @property
    def ended(self):
        return self.given_up or self.driver.dead

    def _serve(self):
        scheduler = self.world.scheduler
        try:
            while True:
                limit = 1e6 if self.lease is None else self.lease - scheduler.now
                scheduler.wait(lambda: self.queue or self.ended, max(0.0, limit))
                if not self.queue or (self.lease is not None and scheduler.now >= self.lease):
                    return
                if not self._perform(self.queue[0]):
                    return
                self.queue.pop(0)
        finally:
            self.over = True
            self.candidate.disk.process_ended()
            for request in self.queue:
                request.answer = request.answer or self._lost()

    def _lost(self):
        return NodeFailed(self.node.name, "lost", "the connection broke")

    def _perform(self, request):
        """False when the session is over."""
        network, machine, name = self.world.network, self.driver.machine, self.node.name
        mishap = network.mishap(name)
        if not network.through(machine, name, "to", lambda: not self.ended):
            return False
        if mishap == "unsent":
            self.world.note(f"{self.driver.name}>{name} {_named(request.message)} is lost")
            return False
        answer = self.candidate.answer(request.message)
        self._witness(request.message, answer)
        if mishap == "twice":
            self._again(request.message)
        if not network.through(machine, name, "from", lambda: not self.ended):
            return False
        if mishap == "unheard":
            self.world.note(f"{self.driver.name}<{name} the answer is lost")
            return False
        request.answer = answer if mishap != "cut off" else self._cut_off(answer)
        return True

    def _witness(self, message, answer):
        kind = _named(message)
        if type(message) is m.Take and answer.status == m.OK:
            self.lease = self.world.scheduler.now + m.LEASE
        elif type(message) in (m.Commit, m.Release):
            self.lease = None
        self.node.events.append((kind, getattr(message, "term", 0), answer.status))
        self.world.senders[self.node.name] = self.driver
        self.world.note(f"{self.driver.name}>{self.node.name} {_detailed(message)} = "
                        f"{answer.status} {answer.problem} [{answer.head.line[:14]}]")

    def _again(self, message):
        """The same message once more, later, by a connection of its own."""
        def repeat():
            candidate = self.node.candidate()
            answer = candidate.answer(message)
            self.node.events.append((_named(message), getattr(message, "term", 0), answer.status))
            self.world.note(f"{self.driver.name}>{self.node.name} again {_detailed(message)} = "
                            f"{answer.status} {answer.problem}")
            candidate.answer(m.Release())
        self.world.scheduler.spawn("again", self.node.name, repeat,
                                   after=self.world.random.expovariate(1 / 10))

    def _cut_off(self, answer):
        out = encoded(answer)
        out = out[:self.world.random.randrange(len(out) + 1)]
        self.world.note(f"{self.driver.name}<{self.node.name} the answer is cut off")
        try:
            return remote.answer(Reply(status=answer.status, out=out, err=b""), self.node.name)
        except NodeFailed as failure:
            return failure


def _settled(requests, enough):
    """Whether so many have done it, or all have answered."""
    answers = [request.answer for request in requests.values()]
    good = sum(isinstance(answer, m.Answer) and answer.status == m.OK for answer in answers)
    return good >= enough or None not in answers


def _named(message):
    return type(message).__name__.lower()


def _detailed(message):
    words = [_named(message)]
    for name in ("term", "turn", "by", "serial"):
        if hasattr(message, name):
            words.append(f"{name[:2]}={getattr(message, name)}")
    if hasattr(message, "head"):
        words.append(message.head.line[:14])
    return " ".join(words)


def encoded(answer):
    """What the shell functions would print."""
    head = answer.head
    out = (f"standing {head.term} {head.serial} {head.hash or '-'} {head.base} {answer.seen[0]} "
           f"{answer.seen[1]} {answer.fence} {answer.tail[0] or '-'} {answer.tail[1] or '-'}\n")
    if answer.turn != (0, 0):
        out += f"turn {answer.turn[0]} {answer.turn[1]}\n"
    data = out.encode()
    for part in answer.parts:
        data += f"part {part.kind} {part.number} {part.offset} {len(part.data)}\n".encode()
        data += part.data
    return data


class Riding(Frame):
    """A message that rides beside other frames."""

    message: object = None


class SimulatedPeers:
    """A :class:`~gnt.config.message.Peers`, and the frames that a turn rides on."""

    def __init__(self, world, driver):
        self.world, self.driver = world, driver
        self.sessions = {}

    def ask(self, messages, deadline=15.0, enough=None):
        return self._collect(self._sent(messages), deadline)

    def post(self, messages):
        self._sent(messages)

    def frame(self, node, message):
        return None if node == self.driver.machine else Riding(text="", message=message)

    def understood(self, node, reply):
        return reply

    def send(self, frames, *, deadline=15.0):
        sent = self._sent({node: frame.message for node, frame in frames.items()})
        return lambda: self._collect(sent, deadline)

    def close(self):
        for session in self.sessions.values():
            session.given_up = True

    def _sent(self, messages):
        self.world.scheduler.alive()
        return {name: self._submit(name, message) for name, message in messages.items()}

    def _submit(self, name, message):
        self.world.step(self.driver, name, message)
        session = self.sessions.get(name)
        if session is None or session.over or session.given_up:
            if not self.world.network.reachable(self.driver.machine, name):
                request = Request(message)
                request.answer = NodeFailed(name, "unreachable", "no route to host")
                return request
            session = self.sessions[name] = Session(
                self.world, self.driver, self.world.nodes[name])
        return session.submit(message)

    def _collect(self, requests, deadline):
        if any(isinstance(r.answer, NodeFailed) for r in requests.values()):
            self.world.scheduler.pause(0.5)
        self.world.scheduler.wait(
            lambda: all(r.answer is not None for r in requests.values()), deadline)
        answers = {}
        for name, request in requests.items():
            if request.answer is None:
                self.sessions[name].given_up = True
                answers[name] = NodeFailed(name, "timeout", f"no answer within {deadline:g} s")
            else:
                answers[name] = request.answer
        return answers
