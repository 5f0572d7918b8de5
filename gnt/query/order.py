"""The order that people expect: numbers inside names count as numbers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST = 4000  # digits; int refuses more, and of longer ones the beginning will do


def nice_key(text: str) -> tuple[list[str | int], str]:
    """A key that sorts ``node2`` before ``node10``: text and numbers in turn, then the text."""
    import re

    parts: list[str | int] = list(re.split(r"([0-9]+)", text))
    parts[1::2] = [int(str(part)[:LONGEST]) for part in parts[1::2]]
    return parts, text  # the text decides between node1 and node01


def nice_order(texts: Sequence[str]) -> list[int]:
    """The positions of ``texts`` in nice order."""
    keys = [nice_key(text) for text in texts]
    return sorted(range(len(texts)), key=lambda at: keys[at])
