"""gnt-cluster getmaster."""

from __future__ import annotations

from gnt.spec import Lines, Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.spec import Seen


class GetMaster(Query, command="cluster getmaster"):
    """Print the name of the master node."""

    examples = (("gnt-cluster getmaster", "one line"),)

    def answer(self, cfg: Config, seen: Seen) -> Lines:
        return Lines(lines=(cfg.master.name,), data=cfg.master.name)
