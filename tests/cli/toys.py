"""Commands that exist only for the tests of the parser and of the help."""

from __future__ import annotations

from collections.abc import Mapping

from gnt.spec import Operation, Query, arg, args, opt, opts
from gnt.values import BOOL, HOSTNAME, NAMED_PAIRS, PAIRS, SIZE, TEXT, Kind, choice, whole


class Add(Operation, command="toy add"):
    """Make a toy.

    A toy has parts,
      indented text,
    and a colour.
    """

    examples = (("gnt-toy add --colour=red ball", "make a red ball"),)

    colour: str = opt(choice("red", "green"), "its colour", short="c")
    size: int = opt(SIZE, "its size", default=0, short="s")
    part: tuple[tuple[str, Mapping[str, str]], ...] = opts(NAMED_PAIRS, "a part of it")
    options: Mapping[str, str] = opt(PAIRS, "more of it", default={}, short="O",
                                     name="os-options")
    force: bool = opt(BOOL, "do it in any case", default=False, short="f")
    verbose: bool = opt(BOOL, "say more", default=False, short="v")
    wait_for_sync: bool = opt(BOOL, "wait", default=True)
    capable: bool | None = opt(BOOL, "whether it can", default=None)
    old: str = opt(TEXT, "gone", default="", hidden=True, aliases=("ancient",))
    count: int = opt(whole(-5, 5), "how many", default=1)
    picture: str | None = opt(Kind(str, "FILE", "a file", bare="-"), "draw it", default=None,
                              short="P")
    quiet: tuple[bool, ...] = opts(BOOL, "say less", short="q")
    name: str = arg(HOSTNAME, "its name")
    others: tuple[str, ...] = args(TEXT, "more names", default=())


class Show(Query, command="toy show"):
    """Show toys."""

    tabular = True
    toys: tuple[str, ...] = args(TEXT, "their names")
