"""What a rollback must not say: where an instance is, against what the nodes say.

A record that names another home than the instance's lets it be started there (ADR 0071).
"""

from __future__ import annotations

from gnt.commands.node import _return
from gnt.errors import Conflict
from gnt.model.objects import Instance, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.spec import Seen


def facts(now: Config, then: Config) -> Iterator[Call[Any]]:
    """Asks every node what it runs, if an instance would get another home, or come back."""
    if _rehomed(now, then):
        for node in _asked(now):
            yield from _return.guests(now, node)


def require_true(now: Config, then: Config, seen: Seen) -> None:
    """Raise Conflict when a record would say what is not so, or what nobody can tell."""
    homes = {inst.uuid: inst for inst in _rehomed(now, then)}
    for node in _asked(now) if homes else ():
        for call in _return.guests(now, node):
            failed = seen.failed(call)
            if failed is not None:
                names = ", ".join(sorted(inst.name for inst in homes.values())[:5])
                raise Conflict(
                    f"{node.name} does not answer ({failed.problem}): {names} may run there, and "
                    "would get another home",
                    hint=f"gnt-node modify --offline=yes {node.name}, once it is without power")
            for guest in seen[call]:
                inst = homes.get(guest.uuid)
                if inst and not guest.ended and inst.primary_node != node.uuid:
                    raise Conflict(
                        f"{inst.name} runs on {node.name}, and its home would be "
                        f"{then.one(Node, inst.primary_node).name}: it could be started twice",
                        hint=f"gnt-instance migrate -n {then.one(Node, inst.primary_node).name} "
                             f"{inst.name}, or shut it down, first")


def _rehomed(now: Config, then: Config) -> list[Instance]:
    return [inst for inst in then.instances
            if (own := now.get(Instance, inst.uuid)) is None
            or own.primary_node != inst.primary_node]


def _asked(now: Config) -> list[Node]:
    return [node for node in now.online() if node.vm_capable]
