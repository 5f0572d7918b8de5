"""A session at a desk: hosts that can be scanned and asked, a person who says yes or no."""

from __future__ import annotations

import pytest

from gnt.errors import ConfirmationNeeded, GntError, NoCluster, NodeFailed
from tests.commands import build


class Desk:
    """``spec.Session`` for Actions and ``prepare``; what happened is in its lists."""

    here = ""  # an admin's machine

    def __init__(self, cfg=None, *, yes=True, hosts=None, nodes=None):
        self.cfg, self.yes = cfg, yes
        self.hosts = hosts or {}  # name: (address, keys)
        self.nodes = nodes or (build.Nodes(cfg) if cfg else None)
        self.questions, self.told, self.met, self.asked = [], [], [], []
        self.affected = ()
        self.created = self.taken = self.attached = None
        self.forgotten, self.answers = False, []
        self.executed, self.steps = [], []
        self.recorded = []  # what is only written into the history
        self.ended = []  # jobs, as the history has them
        self.outcomes, self.waiting = [], []  # of submitted jobs; what happens while one waits

    def config(self):
        if self.cfg is None:
            raise NoCluster("there is no cluster here")
        return self.cfg

    def execute(self, operation):
        """As jobs that all succeed, one after the other; what they change is there for the next."""
        for one in operation.prepare(self):
            self.nodes.cfg = self.cfg
            made = build.plan(one, self.cfg, self.nodes)
            self.executed.append(one)
            self.steps += [str(step.do) for step in made.steps]
            self.cfg = build.applied(self.cfg, made)
            for following in one.then(self.cfg):
                self.execute(following)
        return 0

    def submit(self, operation):
        """As ``execute``, but what fails is said when it is waited for."""
        ids = []
        for one in operation.prepare(self):
            self.outcomes.append(0)
            ids.append(str(len(self.outcomes)))
            try:
                self.execute(one)
            except GntError as error:
                self.outcomes[-1] = 1
                self.told.append(error.message)
        return tuple(ids)

    @property
    def jobs(self):
        return self

    @property
    def ledger(self):
        return self

    def record(self, operation, note):
        self.recorded.append((operation, note))
        return self.cfg.serial + 1

    def wait(self, job):
        for happens in self.waiting[int(job) - 1:int(job)]:
            happens()
        return self.outcomes[int(job) - 1]

    def finished(self, newest=None):
        return self.ended

    def confirm(self, question, affected=()):
        self.questions.append(question)
        self.affected = tuple(affected)
        if not self.yes:
            raise ConfirmationNeeded(question)

    def tell(self, message):
        self.told.append(message)

    def show(self, answer):
        self.answers.append(answer)

    def lines(self):
        return iter(())

    def scan(self, host, port=22):
        if host not in self.hosts:
            raise NodeFailed(host, "unreachable", "its name has no address")
        return self.hosts[host]

    def know(self, nodes):
        self.met += nodes

    def ask(self, calls):
        calls = list(calls)
        self.asked += calls
        return self.nodes.seen(calls)

    def seal(self, owner, values):
        return {name: f"sealed:1:{owner}/{name}" for name in values}

    def own_keys(self):
        return (f"{build.KEY}9 admin@desk",)

    def create(self, objects, master):
        self.created = (objects, master)

    def known(self):
        return self.config()

    def take_over(self, node, *, voting, ignore_offline, also=None):
        self.taken = (node.name, voting, ignore_offline)
        self.also = also(self.cfg) if also else ()

    def redistribute(self):
        silent = NodeFailed("node2", "timeout", "nothing came of it in 10 s")
        return {"node1": None, "node2": silent if "node2" in self.nodes.silent else None}

    def upgrade(self):
        return "the configuration has already schema 1"

    def forget(self):
        self.forgotten = True

    def attach(self, node, words):
        self.attached = (node.name, words)
        return 3


def cut_off_after(jobs, desk, run):
    """Run a program on this desk that is ended after so many jobs."""
    left = iter(range(jobs))

    def limited(operation):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return type(desk).execute(desk, operation)

    desk.execute = limited
    with pytest.raises(KeyboardInterrupt):
        run(desk)
    del desk.execute
