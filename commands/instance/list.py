"""``gnt-instance list``."""

from __future__ import annotations

from gnt.query.listing import Listing
from gnt.spec import args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from gnt.commands._listing import Questions
    from gnt.model.config import Config
    from gnt.model.objects import Instance
    from gnt.plan import Call
    from gnt.query.live import Live
    from gnt.query.view import View
    from gnt.spec import Seen


class InstanceList(Listing, command="instance list"):
    """List instances and their state.

    Without words all instances are listed, in the order that people expect (web2 before web10).
    Words are names, name patterns (web*) or one filter; rows for names come in the order given.
    Only fields that need it (status and those beginning with oper_) make gnt ask the nodes; lists
    of other fields are answered from this machine's copy of the configuration.  For some instances
    their nodes are asked, and all the others only where one is not at home.
    """

    kind = "instance"
    examples = (
        ("gnt-instance list", "all instances with their state and memory"),
        ("gnt-instance list -o name,pnode,snodes web1 'db*'", "where some instances are"),
        ("gnt-instance list -o +be/vcpus 'be/vcpus > 2 and \"prod\" in tags'",
         "the usual fields and one more, for instances that match a filter"),
        ("gnt-instance list --no-headers --separator=: -o name,status", "for scripts"),
        ("gnt-instance list --format json", "for programs"),
    )
    names: tuple[str, ...] = args(TEXT, "names, patterns, or one filter", default=(),
                                  complete="instance")

    def facts(self, cfg: Config) -> Iterable[Call[Any]]:
        return self._questions(cfg, self._chosen(cfg)).calls()

    def further(self, cfg: Config, seen: Seen) -> Iterable[Call[Any]]:
        """All other nodes, when one that is shown is not at home: it may be anywhere."""
        shown = self._chosen(cfg)
        near = self._questions(cfg, shown).live(seen)
        if shown is None or all(at_home(cfg, near, inst) for inst in shown):
            return ()
        return (call for call in self._questions(cfg, None).calls() if not seen.asked(call))

    def view(self, cfg: Config, seen: Seen) -> View:
        from gnt.commands import _listing
        from gnt.query.view import View

        live = self._asked(cfg, seen).live(seen)
        if "console" in self.live():
            live.consoles = dict(_consoles(cfg, live))
        return View(cfg, live, _listing.defaults, _listing.extra)

    def problems(self, cfg: Config, seen: Seen) -> tuple[str, ...]:
        return self._asked(cfg, seen).problems(seen)

    def _asked(self, cfg: Config, seen: Seen) -> Questions:
        """What was asked: everybody, or the homes of what is shown."""
        everybody = self._questions(cfg, None)
        if all(map(seen.asked, everybody.calls())):
            return everybody
        return self._questions(cfg, self._chosen(cfg))

    def _chosen(self, cfg: Config) -> list[Instance] | None:
        from gnt.commands._listing import chosen

        return chosen(self, cfg)

    def _questions(self, cfg: Config, shown: list[Instance] | None) -> Questions:
        from gnt.commands._listing import Questions

        homes = None if shown is None else {inst.primary_node for inst in shown}
        return Questions(cfg, self.live(), facts=False, among=homes)


def at_home(cfg: Config, live: Live, inst: Instance) -> bool:
    """Whether its home alone tells its state: it lives there, or the home is out of use."""
    from gnt.model.objects import Node
    from gnt.query.live import alive

    home = cfg.one(Node, inst.primary_node)
    return home.offline or alive(live.where(inst).get(home.uuid))


def _consoles(cfg: Config, live: Live) -> Iterator[tuple[str, dict[str, Any]]]:
    """How the consoles of running instances are reached: a command on a node's terminal."""
    from gnt.commands.instance import _guest
    from gnt.hypervisor.base import hypervisor
    from gnt.model.objects import Node

    for inst in cfg.instances:
        if inst.primary_node in live.where(inst):
            node = cfg.one(Node, inst.primary_node)
            words = hypervisor(inst.hypervisor).console(_guest.guest(cfg, inst, node))
            yield inst.uuid, {"instance": inst.name, "kind": "ssh", "host": node.name,
                              "user": "root", "command": list(words)}
