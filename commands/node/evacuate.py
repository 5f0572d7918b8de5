"""gnt-node evacuate."""

from __future__ import annotations

from gnt.commands import _allocator, _each, _evacuation
from gnt.commands.instance._select import with_copy
from gnt.errors import Invalid
from gnt.spec import Action, arg, opt
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.model.config import Config
    from gnt.model.objects import Instance, Node
    from gnt.spec import Session

MODES = {(False, False): "all", (True, False): "primary-only", (False, True): "secondary-only"}


class Evacuate(Action, command="node evacuate"):
    """Move all instances off a node, within its group, to where the cluster is balanced best.

    Running instances are migrated, others failed over, second copies of mirrored disks are made on
    another node; each by a job of its own.  Nothing is moved when not everything can be.  An
    instance whose disks are on this node only cannot be moved.
    """

    jobs = True
    rapi = "POST /2/nodes/{name}/evacuate"
    examples = (
        ("gnt-node evacuate -f node3", "everything off node3"),
        ("gnt-node evacuate -f -s -n node4 node3", "the second copies that node3 has go to node4"),
        ("gnt-node evacuate -p -I myscript node3", "its own instances, where a script says"),
    )

    name: str = arg(TEXT, "node", complete="node")
    primary_only: bool = opt(BOOL, "only instances whose home it is", default=False, short="-p")
    secondary_only: bool = opt(BOOL, "only the second copies of mirrored disks", default=False,
                               short="-s")
    new_secondary: str = opt(TEXT, "where second copies of mirrored disks go", default="",
                             short="-n", metavar="NODE")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    ignore_soft_errors: bool = opt(BOOL, "also against policies, tags and N+1", default=False)
    early_release: bool = opt(
        BOOL, "let old copies of mirrored disks go before the new ones are in step", default=False)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def run(self, session: Session) -> int:
        _allocator.require_alone(self.iallocator, self.new_secondary)
        if self.primary_only and self.secondary_only:
            raise Invalid("-p", "contradicts -s", hint="without both: everything")
        if self.new_secondary and not self.secondary_only:
            raise Invalid("-n", "names where second copies go, so it needs -s",
                          hint="-I lets an allocator choose for everything")
        cfg = session.config()
        node = cfg.node(self.name)
        names = [inst.name for inst in self._leaving(cfg, node)]
        if not names:
            session.tell(f"there is nothing on {node.name} to move")
            return 0
        if not self.force:
            session.confirm(f"Move {', '.join(names)} off {node.name}?")
        if self.new_secondary:
            target = cfg.node(self.new_secondary).name
            return _each.perform(session, [
                _evacuation.replaced(name, target, early_release=self.early_release,
                                     ignore_ipolicy=self.ignore_soft_errors) for name in names])
        moves = _evacuation.evacuated(
            session, cfg, names, MODES[self.primary_only, self.secondary_only], self.iallocator,
            ignore_soft_errors=self.ignore_soft_errors)
        return _each.perform(session, _evacuation.operations(
            session, cfg, moves, ignore_ipolicy=self.ignore_soft_errors,
            early_release=self.early_release))

    def _leaving(self, cfg: Config, node: Node) -> list[Instance]:
        own = [] if self.secondary_only else cfg.instances_on(node)
        copies = [] if self.primary_only else with_copy(cfg, node)
        found = {inst.uuid: inst for inst in (*own, *copies)}
        return [inst for inst in found.values() if not inst.forthcoming]
