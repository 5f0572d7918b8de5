"""The engine's transport to simulated nodes: fences, terms, liveness locks, and toy tasks.

It keeps what ADR 0022 promises of the real one: a batch that has begun on a node outlives its
driver and holds the job's fence; steps of it that have not begun do not begin; a liveness lock ends
with its driver, with the master, or after 60 s of silence.
"""

from __future__ import annotations

from contextlib import contextmanager

from gnt.errors import Busy, NodeFailed
from tests.simulation.network import Request

LEASE = 60.0


class Token:
    """Holds a job's liveness lock."""

    def __init__(self, driver):
        self.driver = driver
        self.given_back = False

    @property
    def over(self):
        return self.given_back or self.driver.dead


class SimulatedTransport:
    """``round_trips`` are not counted."""

    round_trips = 0

    def __init__(self, world, driver):
        self.world, self.driver = world, driver
        self.term = 0
        self.tokens = []  # (master, job, token)

    def warm(self, nodes, *, owner=""):
        """Its connections take no time."""

    def know(self, nodes, term, *, ports=None):
        self.term = term

    def close(self):
        """Nothing is kept open."""

    def ask(self, calls, *, deadline=None):
        return self._run(list(calls), "")

    def perform(self, calls, *, fence, tell=None):
        for master, job, token in self.tokens:
            if not self._holds(master, job, token):
                raise NodeFailed(master, "lost", f"it dropped us as the driver of job {job}")
        return self._run(list(calls), fence)

    def _holds(self, master, job, token):
        if self.world.network.silent(self.driver.machine, master) > LEASE / 2:
            return False
        return self.world.nodes[master].owners.get(job) is token

    def _run(self, calls, fence):
        by_node = {}
        for call in calls:
            by_node.setdefault(call.node, []).append(call)
        requests = {name: self._begin(name, of, fence) for name, of in by_node.items()}
        self._await(requests, 60.0)
        answers = {}
        for name, request in requests.items():
            if isinstance(request.answer, dict):
                answers.update(request.answer)
            else:
                answers[by_node[name][0].key] = request.answer
        return answers

    def _await(self, requests, deadline):
        self.world.scheduler.wait(
            lambda: all(r.answer is not None for r in requests.values()), deadline)
        for name, request in requests.items():
            if request.answer is None:
                request.given_up = True
                request.answer = NodeFailed(name, "timeout", f"no answer within {deadline:g} s")

    def _send(self, name, perform):
        """Run ``perform(node, request)`` on a node; its result is the request's answer."""
        self.world.scheduler.alive()
        self.world.step(self.driver, name, None)
        request = Request(None)
        request.given_up = False
        network, machine = self.world.network, self.driver.machine
        if not network.reachable(machine, name):
            request.answer = NodeFailed(name, "unreachable", "no route to host")
            return request
        node = self.world.nodes[name]

        def travel():
            answer = NodeFailed(name, "lost", "the connection broke")
            try:
                if not self._arrives(name, request) or network.mishap(name) == "unsent":
                    return
                made = perform(node, request)
                if network.through(machine, name, "from", lambda: True) and (
                        network.mishap(name) not in ("unheard", "cut off")):
                    answer = made
            finally:
                request.answer = request.answer or answer
        self.world.scheduler.spawn(f"{self.driver.name}>{name}", name, travel)
        return request

    def _arrives(self, name, request):
        """What its sender gave up before it arrived never does: its connection is closed."""
        wanted = lambda: not (request.given_up or self.driver.dead)  # noqa: E731 - asked twice
        return self.world.network.through(
            self.driver.machine, name, "to", wanted) and wanted()

    def _begin(self, name, calls, fence):
        term = self.term

        def perform(node, request):
            refused = self._refused(node, term)
            if refused:
                return refused
            node.running[fence] = node.running.get(fence, 0) + 1
            try:
                return self._batch(node, calls, term)
            finally:
                if fence in node.running:
                    node.running[fence] -= 1
        return self._send(name, perform)

    def _refused(self, node, term):
        """Why a node does nothing for this driver; None when it does."""
        try:
            admitted = node.admit(term)
        except OSError as error:
            return NodeFailed(node.name, "failed", f"it cannot record the term: {error}")
        if admitted:
            return None
        return NodeFailed(node.name, "failed", f"term {node.read_term()} has begun")

    def _batch(self, node, calls, term):
        answers = {}
        for number, call in enumerate(calls):
            if number and self.driver.dead:
                break
            usual = 8.0 if self.world.random.random() < 0.25 else 0.3
            self.world.scheduler.pause(self.world.random.expovariate(1 / usual))
            answers[call.key] = self._effect(node, call, term)
            self.world.note(f"{self.driver.name}>{node.name} {call} = {answers[call.key]}")
            if isinstance(answers[call.key], NodeFailed):
                break
        return answers

    def _effect(self, node, call, term):
        if call.task == "engine.follow.note":
            return call.args["job"] in node.cancelled
        if self.world.random.random() < self.world.failing:
            self.world.happened["step failed"] += 1
            return NodeFailed(node.name, "failed", "it broke", task=call.task, status=1)
        return self.world.effects(node, call)

    # locks

    def wait_fence(self, nodes, fence, deadline):
        term = self.term

        def perform(node, request):
            refused = self._refused(node, term)
            if refused:
                return refused
            quiet = self.world.scheduler.wait(lambda: not node.running.get(fence), deadline)
            return "quiet" if quiet else NodeFailed(node.name, "timeout", "it still runs")
        requests = {name: self._send(name, perform) for name in nodes}
        self._await(requests, deadline + 5)
        return {name: None if request.answer == "quiet" else request.answer
                for name, request in requests.items()}

    def obey(self, at, signers):
        """Nodes are not hardened here."""

    def foresee(self, job, calls):
        """Nothing here is hardened."""

    def clear_fence(self, nodes, fence):
        """A file that is not there is as good as one that nobody holds."""

    def _told(self, name, perform, deadline):
        request = self._send(name, perform)
        self._await({name: request}, deadline)
        if isinstance(request.answer, NodeFailed):
            raise request.answer
        return request.answer

    @contextmanager
    def own(self, master, job):
        token = Token(self.driver)

        def take(node, request):
            held = self._living(node, job)
            if held is None:
                node.owners[job] = token
            return "yes" if held is None else "no"
        try:
            answer = self._told(master, take, 15.0)
        except NodeFailed:
            token.given_back = True  # the shell that may hold it ends with its connection
            raise
        if answer == "no":
            raise Busy(f"job {job} has a living driver")
        self.tokens.append((master, job, token))
        try:
            yield
        finally:
            if not self.driver.dead:
                self.tokens.remove((master, job, token))
            token.given_back = True

    def _living(self, node, job):
        """The token that holds a lock; the dead hold none, unless nobody heard of their end."""
        token = node.owners.get(job)
        if token is None:
            return None
        silent = self.world.network.silent(token.driver.machine, node.name)
        if silent > LEASE or (token.over and not silent):
            del node.owners[job]
            return None
        return token

    def owned(self, master, jobs):
        wanted = list(jobs)
        return self._told(
            master, lambda node, request:
            {job: self._living(node, job) is not None for job in wanted}, 15.0)

    def wait_owner(self, master, job, deadline):
        def perform(node, request):
            return "yes" if self.world.scheduler.wait(
                lambda: self._living(node, job) is None, deadline) else "no"
        return self._told(master, perform, deadline + 5) == "yes"
