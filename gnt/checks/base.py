"""What a check is: questions to nodes, and findings from the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen


class Finding(Record):
    """Something that is not as it should be; ``code`` is the reference's (F.7)."""

    code: str
    kind: str  # cluster, group, node, instance
    name: str
    message: str
    warning: bool = False


class Check(ABC):
    """Looks at one thing, on the nodes that are given: those to be verified, none offline."""

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterable[Call[Any]]:
        """Questions to ask."""
        return ()

    @abstractmethod
    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        """What is wrong.  A node that did not answer is another check's finding."""


def checks() -> list[Check]:
    """Every check there is."""
    made: list[Check] = [found.module("gnt.checks", name, "check").CHECK
                         for name in found.names("gnt.checks")]
    return made
