"""Which keys nodes let in, when roles, addresses or nodes change."""

from __future__ import annotations

from gnt.commands import _access
from gnt.commands.node import _setup
from gnt.plan import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Node


def with_changed(cfg: Config, new: Node) -> list[Node]:
    """All nodes, one of them changed."""
    return [new if node.uuid == new.uuid else node for node in cfg.nodes]


def on_all(
    cfg: Config, keys: Iterable[str], nodes: Iterable[Node],
) -> tuple[Step, ...]:
    """These keys, from these nodes' addresses, and no others are let in on every one of them that
    is online; undone by those of before.

    A node that only comes back by this job is not undone: it would be marked offline again.
    """
    before = _access.lines(cfg)
    known = list(nodes)
    away = {node.name for node in cfg.nodes if node.offline}
    after = _access.lines(cfg, known, keys)
    steps = lines((node.name for node in known if not node.offline), after, before)
    return tuple(step.replace(undo=None) if step.do.node in away else step for step in steps)


def lines(
    names: Iterable[str], after: tuple[str, ...], before: tuple[str, ...] | None = None,
) -> Iterator[Step]:
    """These lines on these nodes, side by side; undone by those of before, if they are given."""
    for number, name in enumerate(names):
        undo = None if before is None else _setup.authorize.on(name, lines=before)
        yield Step(do=_setup.authorize.on(name, lines=after), undo=undo, beside=number > 0,
                   title=f"keys on {name}")
