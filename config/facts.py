"""What of the configuration anybody who can log in may read, as node tasks (``gnt.ssh.gate``)."""

from __future__ import annotations

from gnt import plan  # the shell in here is checked where it stands: candidate.sh and judge.sh
from gnt.config import message as m
from gnt.config.remote import Dialect
from gnt.found import text_beside
from gnt.plan import node_task, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gnt.config.message import Message


def _words(message: Message) -> tuple[str, ...]:
    return Dialect().frame(message).words


FETCH = Dialect().frame(m.Fetch()).body
PAST = Dialect().frame(m.Past(number=1)).body
JUDGE = text_beside(__name__, "judge.sh")


@node_task(deadline=60)
def fetch(base: int, offset: int) -> plan.Script[str]:
    """What follows a place in the journal."""
    return plan.script(FETCH, *_words(m.Fetch(base=base, offset=offset)), parse=text)


@node_task(deadline=60)
def past(number: int) -> plan.Script[str]:
    """An earlier base and its journal."""
    return plan.script(PAST, *_words(m.Past(number=number)), parse=text)


@node_task(deadline=60)
def judge() -> plan.Script[str]:
    """What a hardened candidate keeps, to look at records itself: see judge.sh."""
    return plan.script(JUDGE, parse=text)
