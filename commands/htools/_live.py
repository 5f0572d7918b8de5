"""The cluster this program belongs to: its configuration, and its nodes asked."""

from __future__ import annotations

from gnt.commands._listing import Questions
from gnt.htools import config
from gnt.htools.config import Seen
from gnt.query.live import alive, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.htools.world import World
    from gnt.model.config import Config
    from gnt.query.live import Live
    from gnt.spec import Session

FIELDS = frozenset(("dtotal", "dfree", "status", "mnode"))


def ask(session: Session) -> World:
    """One round of questions to all nodes; those that do not answer are named and left out."""
    cfg = session.config()
    questions = Questions(cfg, FIELDS, facts=True)
    answers = session.ask(questions.calls())
    for problem in questions.problems(answers):
        session.tell(problem)
    return make(cfg, questions.live(answers))


def make(cfg: Config, live: Live) -> World:
    seen = {}
    for uuid, facts in live.facts.items():
        used = sum(g.memory for g in live.guests.get(uuid, ()) if alive(g))
        room = live.room.get(uuid)
        seen[uuid] = Seen(
            memory=facts.mtotal, free=facts.mfree, cpus=facts.ctotal,
            own=max(0, facts.mtotal - facts.mfree - used), disk=room.total if room else 0,
            disk_free=room.free if room else 0)
    return config.world(cfg, seen, {i.uuid: status(cfg, live, i) for i in cfg.instances})
