"""``gnt-node list``."""

from __future__ import annotations

from gnt.query.listing import Listing
from gnt.spec import args
from gnt.values import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gnt.commands._listing import Questions
    from gnt.model.config import Config
    from gnt.plan import Call
    from gnt.query.view import View
    from gnt.spec import Seen


class NodeList(Listing, command="node list"):
    """List nodes with their resources.

    Without words all nodes are listed, in the order that people expect (node2 before node10).
    Words are names, name patterns (node*) or one filter.  Fields about memory, disk space and
    processors make gnt ask the nodes; a node that does not answer is named on stderr, and its
    cells hold a question mark.
    """

    kind = "node"
    examples = (
        ("gnt-node list", "all nodes with disk space, memory and instances"),
        ("gnt-node list -o name,role,pip,pinst_list", "roles and instances, asking no node"),
        ("gnt-node list 'offline or drained'", "nodes that take no instances"),
        ("gnt-node list --units=m --no-headers -o name,mfree", "free memory in MiB, for scripts"),
    )
    names: tuple[str, ...] = args(TEXT, "names, patterns, or one filter", default=(),
                                  complete="node")

    def facts(self, cfg: Config) -> Iterable[Call[Any]]:
        return self._questions(cfg).calls()

    def view(self, cfg: Config, seen: Seen) -> View:
        from gnt.commands import _listing
        from gnt.query.view import View

        return View(cfg, self._questions(cfg).live(seen), _listing.defaults, _listing.extra)

    def problems(self, cfg: Config, seen: Seen) -> tuple[str, ...]:
        return self._questions(cfg).problems(seen)

    def _questions(self, cfg: Config) -> Questions:
        from gnt.commands._listing import Questions, chosen

        named = chosen(self, cfg)
        among = None if named is None else {node.uuid for node in named}
        return Questions(cfg, self.live(), facts=True, among=among)
