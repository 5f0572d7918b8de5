"""Toy operations on a toy cluster of three nodes: the engine needs no real ones."""

from __future__ import annotations

from gnt.engine.desk import Desk
from gnt.engine.job import Wish
from gnt.engine.stop import Stop
from gnt.model.codec import to_data
from gnt.model.objects import Cluster, Group, Network, Node
from gnt.plan import Edit, Plan, Step, node_task, script, text
from gnt.spec import Holds, Operation, arg, opt
from gnt.values import BOOL, TEXT
from tests.fakes.store import Disk, FakeStore
from tests.fakes.transport import FakeTransport, Nodes


@node_task()
def make(thing):
    return script('touch "$1"', thing)


@node_task()
def unmake(thing):
    return script('rm -f "$1"', thing)


@node_task()
def look(thing):
    return script('[ ! -e "$1" ] || echo yes', thing, parse=text)


def effects(node, call):
    thing = call.args.get("thing", "")
    if call.task.endswith(".make"):
        node.things.add(thing)
    elif call.task.endswith(".unmake"):
        node.things.discard(thing)
    return "yes" if thing in node.things else ""


def step(node, thing, *, beside=False):
    return Step(do=make.on(node, thing), undo=unmake.on(node, thing), beside=beside)


class Build(Operation, command="toy build"):
    """Make things on two nodes, and take an address."""

    name: str = arg(TEXT, "what")
    settle: bool = opt(BOOL, "with a point of no return", default=False)
    secret_word: str = opt(TEXT, "never recorded", default="")

    def holds(self, cfg):
        return Holds(exclusive=(f"tags/{self.name}",), shared=("networks/net",))

    def facts(self, cfg):
        return [look.on("node2", self.name)]

    def plan(self, cfg, seen):
        network = cfg.one(Network, "net")
        free = network.reservations.index(".")
        taken = network.replace(
            reservations=network.reservations[:free] + "X" + network.reservations[free + 1 :])
        return Plan(
            start=(Edit(path="networks/net", value=to_data(taken)),
                   Edit(path=f"groups/{self.name}",
                        value=to_data(Group(uuid=self.name, name=self.name)))),
            attempt=(step("node1", f"{self.name}-a"), step("node1", f"{self.name}-b"),
                     step("node2", f"{self.name}-c"),
                     step("node3", f"{self.name}-d", beside=True)),
            settle=(step("node3", f"{self.name}-e"),) if self.settle else (),
            end=(Edit(path=f"groups/{self.name}",
                      value=to_data(Group(uuid=self.name, name=self.name, tags=("ready",)))),),
        )


class Tag(Operation, command="toy tag"):
    """Change the configuration only."""

    def plan(self, cfg, seen):
        return Plan(start=(Edit(path="groups/t", value=to_data(Group(uuid="t", name="t"))),))


def cluster_data():
    things = {
        "cluster": {"cluster": Cluster(uuid="c", cluster_name="toy", master_node="n1")},
        "groups": {"g": Group(uuid="g", name="default")},
        "nodes": {
            f"n{i}": Node(uuid=f"n{i}", name=f"node{i}", primary_ip=f"10.0.0.{i}",
                          secondary_ip=f"10.0.0.{i}", group="g", master_candidate=True)
            for i in (1, 2, 3)
        },
        "networks": {"net": Network(uuid="net", name="net", network="10.1.0.0/28",
                                    reservations="." * 16)},
    }
    return {kind: {k: to_data(v) for k, v in of.items()} for kind, of in things.items()}


class Ear:
    """A Listener that remembers."""

    def __init__(self):
        self.heard = []

    def waiting(self, job, others):
        self.heard.append(("waiting", job, tuple(others)))

    def job_started(self, job, plan):
        self.heard.append(("started", job))

    def step_started(self, index, step):
        self.heard.append(("step", index))

    def step_progress(self, index, step, progress):
        self.heard.append(("progress", index))

    def step_done(self, index, step, answer=None):
        self.heard.append(("done", index))

    def step_failed(self, index, step, error):
        self.heard.append(("failed", index))

    def undoing(self, index, step):
        self.heard.append(("undoing", index))

    def job_done(self, job, outcome):
        self.heard.append((outcome, job))


class Lab:
    """The toy cluster's disk and hosts, and as many drivers as asked for."""

    def __init__(self):
        self.disk = Disk(cluster_data())
        self.nodes = Nodes("node1", "node2", "node3")

    def desk(self, **hooks):
        """A new driver; ``before``/``after`` see calls, ``committing``/``committed`` changes."""
        trips = []
        store = FakeStore(self.disk, before=hooks.get("committing"), after=hooks.get("committed"),
                          trips=trips)
        transport = FakeTransport(self.nodes, hooks.get("effects", effects),
                                  before=hooks.get("before"), after=hooks.get("after"),
                                  trips=trips)
        desk = Desk(store, transport, Ear(), stop=Stop(), clock=lambda: 1000.0,
                    find={"toy build": Build}.__getitem__)
        desk.trips = trips
        return desk

    @property
    def jobs(self):
        return self.disk.config().jobs

    @property
    def taken(self):
        return self.disk.config().one(Network, "net").reservations.count("X")


class Knowing:
    """Remembers what a transport is told and asked."""

    def __init__(self, desk):
        self.known, self.warmed, self.asked = [], [], []
        transport, know = desk.transport, desk.transport.know

        def told(nodes, term, *, ports=None):
            self.known.append(({n.name: n.primary_ip for n in nodes}, term, dict(ports)))
            know(nodes, term, ports=ports)

        transport.know = told
        transport.warm = lambda nodes, *, owner="": self.warmed.append((list(nodes), owner))


class Both(Build, command="toy both"):
    """Holds two things."""

    def holds(self, cfg):
        return Holds(exclusive=("tags/web", "groups/g"), shared=("networks/net",))


def stopped_twice(lab, thing):
    """A driver whom somebody stops twice while it makes the thing."""
    def twice(call):
        if call.args.get("thing") == thing:
            desk.stop.request()
            desk.stop.request()

    desk = lab.desk(after=twice)
    return desk


WISH = Wish(author="tester", driver="here 1")
