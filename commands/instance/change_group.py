"""gnt-instance change-group."""

from __future__ import annotations

from gnt.commands import _allocator, _each, _evacuation
from gnt.commands.instance import _life
from gnt.errors import Conflict
from gnt.spec import Action, arg, opt, opts
from gnt.values import BOOL, TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.spec import Session


class ChangeGroup(Action, command="instance change-group"):
    """Move an instance into another group, to the node where the cluster is balanced best.

    It is migrated when it runs, else failed over.  Its disks must be reachable from there.
    """

    jobs = True
    rapi = "PUT /2/instances/{name}/change-group"
    examples = (
        ("gnt-instance change-group --to rack2 web", "to the best node of rack2"),
        ("gnt-instance change-group -f web", "to any other group"),
    )

    name: str = arg(TEXT, "instance", complete="instance")
    to: tuple[str, ...] = opts(TEXT, "a group to move it to (default: any other)",
                               metavar="GROUP")
    iallocator: str = opt(TEXT, _allocator.HELP, default="", short="-I", metavar="NAME")
    early_release: bool = opt(BOOL, "let old copies of mirrored disks go early", default=False,
                              hidden=True)
    force: bool = opt(BOOL, "do not ask", default=False, short="-f")

    def run(self, session: Session) -> int:
        cfg = session.config()
        inst = cfg.instance(self.name)
        _life.require_made(inst)
        own = _life.home(cfg, inst).group
        targets = [cfg.group(word) for word in self.to]
        if any(group.uuid == own for group in targets):
            raise Conflict(f"{inst.name} is in {next(g.name for g in targets if g.uuid == own)} "
                           "already", hint="--to another group")
        if not self.force:
            session.confirm(f"Move {inst.name} to another group?")
        moves = _evacuation.into_groups(session, cfg, [inst.name], [g.uuid for g in targets],
                                        self.iallocator)
        return _each.perform(session, _evacuation.operations(session, cfg, moves))
