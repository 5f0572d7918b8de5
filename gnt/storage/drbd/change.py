"""A copy is made anew, or goes to another node.

DRBD 8.4 knows one partner.  When that changes, its bitmap speaks of the old one, so everything
counts as different (``connect`` with ``anew``): also on the way back, when a move is undone.
"""

from __future__ import annotations

from gnt.model.names import new_minor, new_uuid
from gnt.plan import Script, Step, node_task, script
from gnt.storage.base import Replacing
from gnt.storage.drbd import tasks
from gnt.storage.drbd.side import Side
from gnt.storage.plain import lvm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnt.model.config import Config
    from gnt.model.objects import Disk, Node
    from gnt.storage.base import Mirrored

_SWAP = tasks.LOOK + lvm.LOOK + r"""
is_there() { vg=$1; [ -n "$(volume lv_name "$2")" ]; }
swap() { # group name: what was made anew gets the name, what had it is kept as NAME.old
    is_there "$1" "$2.new" || return 0
    if is_there "$1" "$2" && ! is_there "$1" "$2.old"; then
        lvrename -qq "$1" "$2" "$2.old" || exit 1
    fi
    lvrename -qq "$1" "$2.new" "$2" || exit 1
}
need_ours
if [ -n "$used" ] && { is_there "$1" "$2.new" || is_there "$3" "$4.new"; }; then
    drbdsetup detach "$minor" || exit 1
    left=40
    until [ -z "$(backing)" ]; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "DRBD minor $minor does not let go of $data"
        sleep 0.25
    done
fi
swap "$1" "$2"
swap "$3" "$4"
"""


@node_task(deadline=60)
def swap(minor: int, data: str, volumes: tuple[str, ...]) -> Script[None]:
    """The volumes that were made anew take the place of the others."""
    return script(_SWAP, minor, data, *volumes)


def move(
    driver: Mirrored, cfg: Config, disk: Disk, home: Node, target: Node, *, early: bool,
) -> Replacing:
    """The second copy goes to ``target``; until it is in step everything can be taken back."""
    here = Side(cfg, disk, home)
    after, *children = _moved(cfg, here, target)
    held = after.replace(uuid=new_uuid(cfg, disk.uuid, "held"), forthcoming=True, instance="",
                         iv_name="", name=None, nodes=(target.uuid,), children=())
    later = cfg.plus(after, *children)
    turned, new = Side(later, after, home), Side(later, after, target)
    wait = tuple(driver.wait(later, after, target, need=True))
    return Replacing(
        held=held, after=(after, *children),
        attempt=(
            *(() if here.active else (here.attach(undone=True),)),
            *new.make(), new.attach(undone=True),
            turned.connect(anew=True, back=here),
            *_retired(here.peer),
            new.connect(),
            *(() if early else wait),
        ),
        settle=(
            *(() if here.peer.node.offline else here.peer.unmake()),
            *(wait if early else ()),
            *(() if here.active else driver.deactivate(later, after, home)),
        ))


def _moved(cfg: Config, here: Side, target: Node) -> tuple[Disk, ...]:
    """The disk and its children as they are recorded afterwards."""
    nodes = here.node.uuid, target.uuid
    minors = here.minor, new_minor(cfg, target)
    disk = here.disk.replace(
        nodes=nodes, logical_id=(*nodes, here.port, *minors, here.secret),
        serial_no=here.disk.serial_no + 1)
    return disk, *(child.replace(nodes=nodes, serial_no=child.serial_no + 1)
                   for child in here.children)


def _retired(old: Side) -> Iterator[Step]:
    """The old copy is not put to use by mistake; taken back by joining again."""
    if not old.node.offline:
        yield Step(do=tasks.retire.on(*old.device),
                   undo=old.connect().do if old.active else None,
                   title=f"the copy of {old.disk.iv_name} on {old.node.name} is outdated from now")


def renew(
    driver: Mirrored, cfg: Config, disk: Disk, node: Node, *, early: bool,
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Volumes made anew take the place of those on ``node`` and are filled from the other side."""
    side = Side(cfg, disk, node)
    names = (*side.data, *side.meta)
    old = tuple(
        Step(do=lvm.remove.on(node.name, vg, f"{name}.old"),
             title=f"remove the old {disk.iv_name} from {node.name}")
        for vg, name in (side.meta, side.data))
    wait = tuple(driver.wait(cfg, disk, node, need=True))
    attempt = (
        *(() if side.active else side.peer.join(undone=True)),
        *(_made_beside(step) for step in side.make()),
    )
    settle = (
        # after a split brain it may have been written to there
        *(() if side.at_home else driver.demote(cfg, disk, node, again=False)),
        Step(do=swap.on(*side.device, names), title=f"put the new {disk.iv_name} of {node.name} "
             "in its place"),
        side.attach(undone=False), side.peer.connect(), side.connect(),
        *((*old, *wait) if early else (*wait, *old)),
        *(() if side.active else driver.deactivate(cfg, disk, node)),
    )
    return attempt, settle


def _made_beside(step: Step) -> Step:
    """The making of a volume, under a name of its own."""
    do, undo = (call.replace(args={**call.args, "name": f"{call.args['name']}.new"})
                for call in (step.do, step.undo) if call is not None)
    return step.replace(do=do, undo=undo)
