"""Cells that hold no value, and why (reference B.1: result status per cell)."""

from __future__ import annotations


class Absent:
    """Why there is no value: ``sign`` in a table, ``words`` with ``-v``, null as data."""

    def __init__(self, sign: str, words: str, status: int) -> None:
        self.sign, self.words, self.status = sign, words, status

    def __repr__(self) -> str:
        return self.words

    def __bool__(self) -> bool:
        return False


UNKNOWN = Absent("??", "(unknown)", 1)  # no such field
NODATA = Absent("?", "(nodata)", 2)  # the node did not say
UNAVAIL = Absent("-", "(unavail)", 3)  # this object has none
OFFLINE = Absent("*", "(offline)", 4)  # the node is offline
