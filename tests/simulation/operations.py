"""What clients of the simulated cluster do: toy jobs that take an address and make things."""

from __future__ import annotations

from gnt.errors import Conflict
from gnt.model.codec import to_data
from gnt.model.objects import Group, Network
from gnt.plan import Edit, Plan, Step
from gnt.spec import Holds, Operation, arg
from gnt.values import TEXT
from tests.engine.toys import look, make, unmake

NET = "net"
ADDRESSES = 16


def effects(node, call):
    thing = call.args["thing"]
    if call.task.endswith(".make"):
        node.things.add(thing)
    elif call.task.endswith(".unmake"):
        node.things.discard(thing)
    return "yes" if thing in node.things else ""


def parts(name, nodes):
    """(node, thing) of everything that ``name`` consists of."""
    return [(node, f"{name}-{number}") for number, node in enumerate(nodes)]


class Build(Operation, command="toy build"):
    """Take an address, and make things on some nodes."""

    name: str = arg(TEXT, "what")
    nodes: str = arg(TEXT, "where, separated by commas")

    def holds(self, cfg):
        return Holds(exclusive=(f"groups/{self.name}",), shared=(f"networks/{NET}",))

    def facts(self, cfg):
        return [look.on(self.nodes.split(",")[0], self.name)]

    def plan(self, cfg, seen):
        if cfg.get(Group, self.name) is not None:
            raise Conflict(f"{self.name} is there already")
        network = cfg.one(Network, NET)
        slot = network.reservations.index(".")
        taken = network.replace(reservations=_with(network.reservations, slot, "X"))
        nodes = self.nodes.split(",")
        group = Group(uuid=self.name, name=self.name, tags=(f"slot{slot}", f"on-{self.nodes}"))
        return Plan(
            start=(Edit(path=f"networks/{NET}", value=to_data(taken)),
                   Edit(path=f"groups/{self.name}", value=to_data(group))),
            attempt=tuple(Step(do=make.on(node, thing), undo=unmake.on(node, thing))
                          for node, thing in parts(self.name, nodes)),
            end=(Edit(path=f"groups/{self.name}",
                      value=to_data(group.replace(tags=(*group.tags, "ready")))),),
        )


class Remove(Operation, command="toy remove"):
    """Unmake them; there is no way back."""

    name: str = arg(TEXT, "what")

    def holds(self, cfg):
        return Holds(exclusive=(f"groups/{self.name}",), shared=(f"networks/{NET}",))

    def plan(self, cfg, seen):
        group = cfg.get(Group, self.name)
        if group is None:
            raise Conflict(f"{self.name} is not there")
        slot = int(group.tags[0].removeprefix("slot"))
        nodes = group.tags[1].removeprefix("on-").split(",")
        network = cfg.one(Network, NET)
        freed = network.replace(reservations=_with(network.reservations, slot, "."))
        return Plan(
            settle=tuple(Step(do=unmake.on(node, thing))
                         for node, thing in parts(self.name, nodes)),
            end=(Edit(path=f"networks/{NET}", value=to_data(freed)),
                 Edit(path=f"groups/{self.name}")),
        )


class Tidy(Operation, command="toy tidy"):
    """Make something for a while, when nobody takes or frees an address."""

    name: str = arg(TEXT, "what")
    nodes: str = arg(TEXT, "where, separated by commas")

    def holds(self, cfg):
        return Holds(exclusive=(f"networks/{NET}",))

    def plan(self, cfg, seen):
        made = [(node, f"tidy-{thing}") for node, thing in parts(self.name, self.nodes.split(","))]
        return Plan(
            attempt=tuple(Step(do=make.on(node, thing), undo=unmake.on(node, thing))
                          for node, thing in made),
            settle=tuple(Step(do=unmake.on(node, thing)) for node, thing in made),
        )


def _with(text, at, character):
    return text[:at] + character + text[at + 1:]


FOUND = {"toy build": Build, "toy remove": Remove, "toy tidy": Tidy}.__getitem__
