"""What the metadata of a copy tells while the disk is not in use: which writes it has seen.

DRBD names each span of time in which the same nodes wrote by a random number.  A copy knows the
number of its newest span, of the one at whose end it lost its partner (the "bitmap"), and of two
before.  Lowest bits are flags.
"""

from __future__ import annotations

import re

from gnt.errors import Damaged
from gnt.plan import Script, node_task, script
from gnt.storage.base import History
from gnt.storage.drbd.tasks import LOOK

_NEVER = 4  # the number of a copy that has not been written to
_LINE = re.compile(r"(?P<spans>(?:[0-9A-F]{16}:){4})(?P<flags>[01](?::[01]){6})")

_HISTORY = LOOK + r"""
need_ours
if [ -n "$used" ]; then
    drbdsetup get-gi "$minor"
elif [ -b "$1" ]; then
    drbdmeta --force "$minor" v08 "$1" 0 get-gi
fi
"""


@node_task(deadline=30)
def history(minor: int, data: str, meta: str) -> Script[History | None]:
    """What a copy has seen; None: it has no metadata."""
    return script(_HISTORY, minor, data, meta, parse=parse_history)


def parse_history(said: str) -> History | None:
    """What ``get-gi`` prints: four numbers, then flags, of which the first two are consistent and
    up to date."""
    if not said.strip():
        return None
    line = _LINE.fullmatch(said.strip())
    if line is None:
        raise Damaged(f"drbdmeta says {said.strip()!r}, which is no generation of a copy")
    spans = [int(word, 16) & ~1 for word in line["spans"].rstrip(":").split(":")]
    consistent, current = line["flags"].split(":")[:2]
    return History(newest="" if spans[0] == _NEVER else f"{spans[0]:x}",
                   before=tuple(f"{span:x}" for span in spans[1:] if span > _NEVER),
                   whole=consistent == current == "1")
