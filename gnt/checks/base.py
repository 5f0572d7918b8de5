"""What a check is: questions to nodes, and findings from the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gnt import found
from gnt.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, ClassVar

    from gnt.model.config import Config
    from gnt.model.objects import Node
    from gnt.plan import Call
    from gnt.spec import Seen

#: The reference's codes (F.7) and what each is about; scripts know them by name.
CODES: Mapping[str, str] = {
    "ECLUSTERCERT": "cluster", "ECLUSTERCFG": "cluster", "ECLUSTERFILECHECK": "cluster",
    "EGROUPDIFFERENTPVSIZE": "group", "EINSTANCEBADNODE": "instance", "EINSTANCEDOWN": "instance",
    "EINSTANCEFAULTYDISK": "instance", "EINSTANCELAYOUT": "instance",
    "EINSTANCEMISSINGCFGPARAMETER": "instance", "EINSTANCEMISSINGDISK": "instance",
    "EINSTANCEPOLICY": "instance", "EINSTANCESPLITGROUPS": "instance",
    "EINSTANCEUNSUITABLENODE": "instance", "EINSTANCEWRONGNODE": "instance",
    "ECLUSTERDANGLINGINST": "node", "ECLUSTERDANGLINGNODES": "node", "ENODEDRBD": "node",
    "ENODEDRBDHELPER": "node", "ENODEDRBDVERSION": "node", "ENODEFILECHECK": "node",
    "ENODEFILESTORAGEPATHS": "node", "ENODEFILESTORAGEPATHUNUSABLE": "node",
    "ENODEGLUSTERSTORAGEPATHUNUSABLE": "node", "ENODEHOOKS": "node", "ENODEHV": "node",
    "ENODELVM": "node", "ENODEN1": "node", "ENODENET": "node", "ENODEOOBPATH": "node",
    "ENODEORPHANINSTANCE": "node", "ENODEORPHANLV": "node", "ENODEOS": "node", "ENODERPC": "node",
    "ENODESETUP": "node", "ENODESHAREDFILESTORAGEPATHUNUSABLE": "node", "ENODESSH": "node",
    "ENODETIME": "node", "ENODEUSERSCRIPTS": "node", "ENODEVERSION": "node",
}


class Finding(Record):
    """Something that is not as it should be; ``code`` is one of ``CODES``."""

    code: str
    kind: str  # cluster, group, node, instance
    name: str
    message: str
    warning: bool = False


class Check(ABC):
    """Looks at one thing, on the nodes that are given: those to be verified, none offline."""

    codes: ClassVar[tuple[str, ...]] = ()  # what it can find
    asks: ClassVar[bool] = True  # it needs nodes' answers, not the configuration alone
    option: ClassVar[str] = ""  # of verify: the check is left out when this is false

    def facts(self, cfg: Config, nodes: list[Node]) -> Iterable[Call[Any]]:
        """Questions to ask."""
        return ()

    @abstractmethod
    def findings(self, cfg: Config, nodes: list[Node], seen: Seen) -> Iterator[Finding]:
        """What is wrong.  A node that did not answer is another check's finding."""


def on_node(node: Node, code: str, message: str, *, warning: bool = False) -> Finding:
    return Finding(code=code, kind="node", name=node.name, message=message, warning=warning)


def on_cluster(cfg: Config, code: str, message: str, *, warning: bool = False) -> Finding:
    return Finding(code=code, kind="cluster", name=cfg.cluster.cluster_name, message=message,
                   warning=warning)


def checks() -> list[Check]:
    """Every check there is."""
    made: list[Check] = [found.module("gnt.checks", name, "check").CHECK
                         for name in found.names("gnt.checks")]
    return made
