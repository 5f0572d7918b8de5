"""gnt-cluster verify-disks."""

from __future__ import annotations

from gnt.commands import _each
from gnt.commands.cluster import _sizes
from gnt.commands.instance import _disks, _mirror
from gnt.commands.instance.activate_disks import ActivateDisks
from gnt.model.objects import Node
from gnt.spec import Action, Document, opt
from gnt.storage.base import storage
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Instance
    from gnt.plan import Call
    from gnt.spec import Session


class VerifyDisks(Action, command="cluster verify-disks"):
    """See that the disks of instances are there, and make usable those that are to be in use.

    A disk that a node does not have is named.  Disks whose template has to be activated are, where
    the instance is meant to run or to have its disks active: a host that was restarted does not do
    that by itself.
    """

    examples = (("gnt-cluster verify-disks", "after hosts were restarted"),
                ("gnt-cluster verify-disks -g rack2", "one group"))

    node_group: str = opt(TEXT, "only the nodes of this group", default="", short="-g",
                          metavar="GROUP")
    strict: bool = opt(BOOL, "end with 1 also when only nodes did not answer", default=True)

    def run(self, session: Session) -> int:
        cfg = session.config()
        asked = list(_sizes.measured(cfg, self._instances(cfg)))
        mirrors = list(self._mirrors(cfg))
        seen = session.ask([*(call for *_, call in asked), *(call for *_, call in mirrors)])
        silent: dict[str, str] = {}
        missing: dict[str, list[str]] = {}
        for inst, disk, node, call in asked:
            failed = seen.failed(call)
            if failed is not None:
                silent[node.name] = failed.problem
            elif seen[call] is None:
                missing.setdefault(inst.name, []).append(f"{disk.iv_name} on {node.name}")
        apart: dict[str, list[str]] = {}
        for inst, disk, node, question in mirrors:
            copy = None if seen.failed(question) else _mirror.copy(inst, disk, node, seen)
            if copy is None or not copy.whole:
                apart.setdefault(inst.name, []).append(
                    f"{disk.iv_name} on {node.name}: {_mirror.state(copy)}")
        wanted = [inst for inst in self._instances(cfg) if inst.name not in missing and (
            inst.name in apart if _disks.mirrored(inst)
            else self._inactive(cfg, inst, set(silent)))]
        bad: list[str] = []
        activated = [inst.name for inst in wanted
                     if _each.tried(session, bad, ActivateDisks(name=inst.name))]
        session.show(Document(content={
            "instances": len({inst.name for inst, *_ in asked}), "disks": len(asked),
            "activated": activated, "failed": [" ".join(line.split()) for line in bad],
            "missing": missing, "not in step": apart, "nodes that did not answer": silent}))
        return 1 if missing or bad or (silent and self.strict) else 0

    def _mirrors(self, cfg: Config) -> Iterator[tuple[Instance, Disk, Node, Call[Any]]]:
        """Copies of disks that are to be in use, and how their nodes are asked for them."""
        for inst in self._instances(cfg):
            if not (_disks.mirrored(inst) and inst.disks_active and not inst.forthcoming):
                continue
            for disk in cfg.disks(inst):
                for node in (cfg.one(Node, uuid) for uuid in disk.nodes):
                    if not node.offline:
                        yield inst, disk, node, _mirror.driver(inst).copies(node)

    def _instances(self, cfg: Config) -> list[Instance]:
        group = cfg.group(self.node_group).uuid if self.node_group else ""
        return [inst for inst in cfg.instances
                if not group or cfg.one(Node, inst.primary_node).group == group]

    def _inactive(self, cfg: Config, inst: Instance, silent: set[str]) -> bool:
        """Whether its disks are to be active and have to be made so; doing it twice is no harm."""
        home = cfg.one(Node, inst.primary_node)
        if not inst.disks_active or home.offline or home.name in silent:
            return False
        return any(True for disk in cfg.disks(inst)
                   for _ in storage(disk.dev_type).activate(cfg, disk, home))
