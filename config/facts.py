"""What of the configuration anybody who can log in may read, as node tasks (``gnt.ssh.gate``)."""

from __future__ import annotations

from gnt.config import message as m
from gnt.config.remote import Dialect
from gnt.plan import Script, node_task, script, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gnt.config.message import Message


@node_task(deadline=60)
def fetch(base: int, offset: int) -> Script[str]:
    """What follows a place in the journal."""
    return _read(m.Fetch(base=base, offset=offset))


@node_task(deadline=60)
def past(number: int) -> Script[str]:
    """An earlier base and its journal."""
    return _read(m.Past(number=number))


@node_task(deadline=60)
def judge() -> Script[str]:
    """What a hardened candidate keeps, to look at records itself: see judge.sh."""
    loader: Any = globals()["__loader__"]  # of a file, a zip archive or a frozen binary
    data: bytes = loader.get_data(__file__.rpartition("/")[0] + "/judge.sh")
    return script(data.decode(), parse=text)


def _read(message: Message) -> Script[str]:
    frame = Dialect().frame(message)
    return script(frame.body, *frame.words, parse=text)
