"""Switching nodes off when they are not needed, and on again (hsqueeze -X).

Off: what runs there is moved, the node is tagged as standby, marked offline and switched off by
its out-of-band program.  On: the other way round.  Whatever fails ends it; what is done so far is
a state that the next run begins from.
"""

from __future__ import annotations

from gnt.commands.htools import _perform
from gnt.commands.htools._patient import Patient
from gnt.commands.node import _awake, _oob
from gnt.errors import Conflict, GntError
from gnt.htools.arrays import STANDBY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnt.commands.htools._perform import Stopping
    from gnt.htools.moves import Move
    from gnt.htools.world import World
    from gnt.spec import Session

    Sets = Sequence[Sequence[Move]]

TAG = f"{STANDBY}auto"


def off(
    session: Session, world: World, names: Sequence[str], sets: Sets, stopping: Stopping,
) -> int:
    from gnt.commands.node.add_tags import NodeAddTags
    from gnt.commands.node.modify import Modify
    from gnt.commands.node.power import Power

    _require_programs(session, names)
    code = _perform.moves(session, world, sets, stopping)
    if code:
        return code
    cfg = session.config()
    for name in names:
        if stopping.requested:
            session.tell("stopped as asked: hsqueeze -L -X goes on")
            return 0
        node = cfg.node(name)
        left = [inst.name for inst in cfg.instances_on(node)]
        if left:
            raise Conflict(f"{name} stays on: {', '.join(left[:5])} is still there",
                           hint="hsqueeze -L -X again")
        if TAG not in node.tags:
            session.execute(NodeAddTags(words=(name, TAG)))
        _perform.one(session, Modify(name=name, offline=True, auto_promote=True))
        _perform.one(session, Power(action="off", names=(name,), force=True))
        session.tell(f"{name} is off")
    return 0


def finish(session: Session) -> None:
    """Switch off what a run that was cut off has marked offline, and no more."""
    from gnt.commands.node.power import Power

    for node in session.config().nodes:
        if TAG in node.tags and node.offline and node.powered:
            _perform.one(session, Power(action="off", names=(node.name,), force=True))
            session.tell(f"{node.name} is off")


def in_service(session: Session) -> None:
    """Take marks away that a run that was cut off left on nodes in service: one might be offline
    for other reasons some day, and would be switched off, or on."""
    for node in session.config().nodes:
        if TAG in node.tags and not node.offline:
            _unmark(session, node.name)


def on(
    session: Session, world: World, names: Sequence[str], sets: Sets, stopping: Stopping,
) -> int:
    from gnt.commands.node.modify import Modify
    from gnt.commands.node.power import Power

    _require_programs(session, names)
    _perform.one(session, Power(action="on", names=tuple(names), force=True))
    silent = _awake.missing(session, names)
    if silent:
        raise GntError(f"{', '.join(sorted(silent))} does not answer {_awake.BOOT} s after it was "
                       "switched on", hint="hsqueeze -L -X again, once it does")
    patient = Patient(session, offline=True)
    for name in names:
        _perform.one(patient, Modify(name=name, offline=False))
        _unmark(session, name)
        session.tell(f"{name} is back")
    return _perform.moves(patient, world, sets, stopping)


def _unmark(session: Session, name: str) -> None:
    from gnt.commands.node.remove_tags import NodeRemoveTags

    tags = tuple(t for t in session.config().node(name).tags if t.startswith(STANDBY))
    session.execute(NodeRemoveTags(words=(name, *tags)))


def _require_programs(session: Session, names: Sequence[str]) -> None:
    cfg = session.config()
    for name in names:
        _oob.required(cfg, cfg.node(name))
