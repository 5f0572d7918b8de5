"""gnt-group evacuate."""

from __future__ import annotations

from gnt.commands import _allocator, _each, _evacuation
from gnt.spec import Action, arg, opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class Evacuate(Action, command="group evacuate"):
    """Move all instances of a group into other groups, where the cluster is balanced best.

    Running instances are migrated, others failed over, one after the other; each by a job of its
    own.  Nothing is moved when not everything can be.
    """

    jobs = True
    examples = (
        ("gnt-group evacuate -f --to rack2 rack1", "everything from rack1 to rack2"),
        ("gnt-group evacuate -f --force-failover rack1", "to any other groups, not live"),
    )

    name: str = arg(TEXT, "group", complete="group")
    to: tuple[str, ...] = opts(TEXT, "a group to move them to (default: any other)",
                               metavar="GROUP")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    force_failover: bool = opt(BOOL, "fail them over, even those that could be migrated",
                               default=False)
    sequential: bool = opt(BOOL, "one after the other, as it is done without this, too",
                           default=False, hidden=True)
    early_release: bool = opt(BOOL, "let old copies of mirrored disks go early", default=False,
                              hidden=True)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def run(self, session: Session) -> int:
        cfg = session.config()
        group = cfg.group(self.name)
        names = [inst.name for node in cfg.nodes if node.group == group.uuid
                 for inst in cfg.instances_on(node) if not inst.forthcoming]
        if not names:
            session.tell(f"there is nothing in {group.name} to move")
            return 0
        targets = [cfg.group(word).uuid for word in self.to]
        if not self.force:
            session.confirm(f"Move {len(names)} instance(s) out of {group.name}?")
        moves = _evacuation.into_groups(session, cfg, names, targets, self.iallocator)
        return _each.perform(session, _evacuation.operations(
            session, cfg, moves, failover=self.force_failover))
